{{ config(enabled=(project_name == 'seedbed')) }}

with age_bands as (

    select 'up to 14 days' as age_band, 0 as from_days, 14 as to_days
    union all
    select '15 to 30 days' as age_band, 15 as from_days, 30 as to_days
    union all
    select '31 to 60 days' as age_band, 31 as from_days, 60 as to_days
    union all
    select 'over 60 days' as age_band, 61 as from_days, 100000 as to_days

),

open_cases as (

    select
        case_dim.case_sk,
        {{ dbt.datediff('case_dim.opened_on', 'reporting_date.reporting_date', 'day') }} as age_in_days
    from {{ ref('case_dim') }} as case_dim
    cross join {{ ref('reporting_date') }} as reporting_date
    where case_dim.closed_on is null

)

select
    age_bands.age_band,
    age_bands.from_days,
    count(open_cases.case_sk) as open_cases,
    max(open_cases.age_in_days) as oldest_in_days
from age_bands
left join open_cases
    on open_cases.age_in_days between age_bands.from_days and age_bands.to_days
group by age_bands.age_band, age_bands.from_days
order by age_bands.from_days
