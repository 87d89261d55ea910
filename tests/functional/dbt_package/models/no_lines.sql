select * from {{ ref('known_lines') }} where 1 = 0
