with source as (select * from {{ source('shop', 'people') }}),
renamed as (select id as person_id, full_name as person_name, tier, born::date as born_on from source)
select * from renamed
