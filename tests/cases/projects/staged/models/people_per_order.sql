select person_id, count(*) as n from {{ ref('stg_orders') }} group by person_id
