select thing as thing_id
from {{ source('shop', 'versions') }} as v
{{ only_current('v') }}
