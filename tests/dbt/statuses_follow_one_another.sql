-- Rule 2: each next status of a case starts on the day on which the one before it ended.
{{ config(enabled=(project_name == 'seedbed')) }}

with statuses as (

    select
        case_sk,
        case_status_sk,
        start_date_sk,
        version_number,
        lag(end_date_sk) over (partition by case_sk order by version_number) as previous_end_date_sk
    from {{ ref('case_status_dim') }}

)

select *
from statuses
where version_number > 1
    and (previous_end_date_sk is null or previous_end_date_sk <> start_date_sk)
