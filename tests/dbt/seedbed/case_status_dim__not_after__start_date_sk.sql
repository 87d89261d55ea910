-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
{{ config(enabled=(project_name == 'seedbed')) }}
{{ seedbed.test_not_after(ref('case_status_dim'), column_name="start_date_sk", moment=20260630) }}
