{{ config(enabled=(project_name == 'seedbed')) }}

with events as (

    select start_date_sk as date_sk
    from {{ ref('case_status_dim') }}

    union all

    select transaction_date_sk as date_sk
    from {{ ref('fact') }}

)

select max(date_dim.calendar_date) as reporting_date
from events
inner join {{ ref('date_dim') }} as date_dim
    on date_dim.date_sk = events.date_sk
