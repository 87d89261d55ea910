-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
{{ config(enabled=(project_name == 'seedbed')) }}
{{ seedbed.test_fan_out(ref('case_status_dim'), columns=["case_sk"], to=ref('case_dim'), to_columns=["case_sk"], min=1) }}
