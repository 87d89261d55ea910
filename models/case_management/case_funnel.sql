{{ config(enabled=(project_name == 'seedbed')) }}

with workflow as (

    select 1 as step, 'received' as case_status
    union all
    select 2 as step, 'triaged' as case_status
    union all
    select 3 as step, 'in progress' as case_status
    union all
    select 4 as step, 'awaiting information' as case_status
    union all
    select 5 as step, 'decided' as case_status
    union all
    select 6 as step, 'closed' as case_status

),

cases_by_status as (

    select
        case_status,
        count(distinct case_sk) as cases_reached,
        sum(case when is_current then 1 else 0 end) as cases_now
    from {{ ref('case_status_dim') }}
    group by case_status

),

all_cases as (

    select count(*) as number_of_cases
    from {{ ref('case_dim') }}

)

select
    workflow.step,
    workflow.case_status,
    coalesce(cases_by_status.cases_reached, 0) as cases_reached,
    coalesce(cases_by_status.cases_now, 0) as cases_now,
    round(100.0 * coalesce(cases_by_status.cases_reached, 0) / nullif(all_cases.number_of_cases, 0), 1) as percent_reached
from workflow
cross join all_cases
left join cases_by_status
    on cases_by_status.case_status = workflow.case_status
order by workflow.step
