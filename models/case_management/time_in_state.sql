{{ config(enabled=(project_name == 'seedbed')) }}

with finished_stays as (

    select
        case_status_dim.case_status,
        {{ dbt.datediff('start_date.calendar_date', 'end_date.calendar_date', 'day') }} as days
    from {{ ref('case_status_dim') }} as case_status_dim
    inner join {{ ref('date_dim') }} as start_date
        on start_date.date_sk = case_status_dim.start_date_sk
    inner join {{ ref('date_dim') }} as end_date
        on end_date.date_sk = case_status_dim.end_date_sk

)

select
    case_status,
    count(*) as finished_stays,
    min(days) as shortest_in_days,
    percentile_cont(0.5) within group (order by days) as median_in_days,
    round(avg(1.0 * days), 1) as mean_in_days,
    max(days) as longest_in_days
from finished_stays
group by case_status
