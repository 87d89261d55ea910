-- Every report has something to show.
{{ config(enabled=(project_name == 'seedbed')) }}

with report_rows as (

    select 'case_funnel' as report, count(*) as number_of_rows
    from {{ ref('case_funnel') }}
    where cases_reached > 0
    union all
    select 'case_ageing' as report, count(*) as number_of_rows
    from {{ ref('case_ageing') }}
    where open_cases > 0
    union all
    select 'time_in_state' as report, count(*) as number_of_rows
    from {{ ref('time_in_state') }}
    union all
    select 'backlog_per_month' as report, count(*) as number_of_rows
    from {{ ref('backlog_per_month') }}
    union all
    select 'transactions_per_month' as report, count(*) as number_of_rows
    from {{ ref('transactions_per_month') }}

)

select *
from report_rows
where number_of_rows = 0
