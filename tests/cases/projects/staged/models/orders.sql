with orders as (select * from {{ ref('stg_orders') }})
select {{ dbt_utils.generate_surrogate_key(['order_id']) }} as order_key, orders.*, people.person_name
from orders
left join {{ ref('stg_people') }} as people on orders.person_id = people.person_id
