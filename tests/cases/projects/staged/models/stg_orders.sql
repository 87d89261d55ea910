select
    id as order_id,
    user_id as person_id,
    cast(state as {{ dbt.type_string() }}) as state,
    total_cents / 100 as total,
    placed as placed_at,
    note,
    row_number() over (partition by user_id order by placed) as number_of_person
from {{ source('shop', 'orders') }}
