-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
{{ config(enabled=(project_name == 'seedbed')) }}
{{ seedbed.test_within_validity(ref('fact'), columns=["case_sk"], at="transaction_date_sk", to=ref('case_status_dim'), to_columns=["case_sk"], valid_from="start_date_sk", valid_to="end_date_sk") }}
