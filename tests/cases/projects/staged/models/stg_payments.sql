select id as payment_id, {{ dbt_utils.generate_surrogate_key(['order_ref']) }} as order_key, lower(kind) as kind, amount
from {{ source('shop', 'payments') }}
where amount > 0
