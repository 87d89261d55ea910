-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
{{ config(enabled=(project_name == 'seedbed')) }}
{{ seedbed.test_accepted_transitions(ref('case_status_dim'), entity=["case_sk"], state="case_status", order_by="start_date_sk", transitions={"received": ["triaged", "in progress", "closed"], "triaged": ["in progress", "awaiting information", "closed"], "in progress": ["awaiting information", "decided", "closed"], "awaiting information": ["in progress", "decided", "closed"], "decided": ["closed"], "closed": []}) }}
