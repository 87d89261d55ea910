{{ config(enabled=(project_name == 'seedbed')) }}

select
    date_dim.first_day_of_month,
    transaction_type_dim.transaction_type,
    count(*) as transactions,
    count(distinct fact.case_sk) as cases,
    sum(fact.transaction_amount) as total_amount
from {{ ref('fact') }} as fact
inner join {{ ref('date_dim') }} as date_dim
    on date_dim.date_sk = fact.transaction_date_sk
inner join {{ ref('transaction_type_dim') }} as transaction_type_dim
    on transaction_type_dim.transaction_type_sk = fact.transaction_type_sk
group by date_dim.first_day_of_month, transaction_type_dim.transaction_type
