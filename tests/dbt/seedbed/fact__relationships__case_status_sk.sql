-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
{{ config(enabled=(project_name == 'seedbed')) }}
{{ test_relationships(ref('fact'), column_name="case_status_sk", to=ref('case_status_dim'), field="case_status_sk") }}
