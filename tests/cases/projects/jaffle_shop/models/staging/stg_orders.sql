select id as order_id, customer as customer_id, status from {{ source('ecom', 'raw_orders') }}
