-- The day on which a case was opened or closed is the one that its history says.
{{ config(enabled=(project_name == 'seedbed')) }}

with histories as (

    select
        case_status_dim.case_sk,
        min(date_dim.calendar_date) as opened_on,
        min(case when case_status_dim.case_status = 'closed' then date_dim.calendar_date end) as closed_on
    from {{ ref('case_status_dim') }} as case_status_dim
    inner join {{ ref('date_dim') }} as date_dim
        on date_dim.date_sk = case_status_dim.start_date_sk
    group by case_status_dim.case_sk

)

select
    case_dim.case_sk,
    case_dim.opened_on,
    case_dim.closed_on,
    histories.opened_on as opened_in_history,
    histories.closed_on as closed_in_history
from {{ ref('case_dim') }} as case_dim
left join histories
    on histories.case_sk = case_dim.case_sk
where histories.opened_on is null
    or case_dim.opened_on <> histories.opened_on
    or (case_dim.closed_on is null and histories.closed_on is not null)
    or (case_dim.closed_on is not null and histories.closed_on is null)
    or case_dim.closed_on <> histories.closed_on
