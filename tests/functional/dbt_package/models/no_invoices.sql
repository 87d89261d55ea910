select * from {{ ref('invoices') }} where 1 = 0
