select * from {{ ref('account_versions') }} where 1 = 0
