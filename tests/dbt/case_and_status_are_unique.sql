-- Rule 3: a combination of case and status is unique, whether the status is meant by its key or by its name.
{{ config(enabled=(project_name == 'seedbed')) }}

select
    case_sk,
    count(*) as statuses,
    count(distinct case_status_sk) as distinct_keys,
    count(distinct case_status) as distinct_names
from {{ ref('case_status_dim') }}
group by case_sk
having count(*) <> count(distinct case_status_sk)
    or count(*) <> count(distinct case_status)
