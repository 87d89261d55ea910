{{ config(enabled=(project_name == 'seedbed')) }}

with cases_by_day as (

    select opened_on as calendar_date, 1 as opened, 0 as closed
    from {{ ref('case_dim') }}

    union all

    select closed_on as calendar_date, 0 as opened, 1 as closed
    from {{ ref('case_dim') }}
    where closed_on is not null

),

first_case as (

    select min(opened_on) as opened_on
    from {{ ref('case_dim') }}

),

-- every month from the first case on, also one in which nothing happened
days as (

    select
        date_dim.calendar_date,
        date_dim.first_day_of_month
    from {{ ref('date_dim') }} as date_dim
    cross join first_case
    cross join {{ ref('reporting_date') }} as reporting_date
    where date_dim.calendar_date between first_case.opened_on and reporting_date.reporting_date

),

cases_by_month as (

    select
        days.first_day_of_month,
        coalesce(sum(cases_by_day.opened), 0) as cases_opened,
        coalesce(sum(cases_by_day.closed), 0) as cases_closed
    from days
    left join cases_by_day
        on cases_by_day.calendar_date = days.calendar_date
    group by days.first_day_of_month

)

select
    first_day_of_month,
    cases_opened,
    cases_closed,
    sum(cases_opened - cases_closed) over (
        order by first_day_of_month rows between unbounded preceding and current row
    ) as open_at_end
from cases_by_month
order by first_day_of_month
