select
    id,
    weight::numeric as weight,
    loaded::boolean as loaded,
    sort,
    grade::varchar as grade,
    code::varchar as code
from {{ source('shop', 'landed') }}
