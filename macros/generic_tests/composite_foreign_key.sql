{% test composite_foreign_key(model, columns=none, to=none, to_columns=none) %}
    {{ return(adapter.dispatch('test_composite_foreign_key', 'seedbed')(model, columns, to, to_columns)) }}
{% endtest %}

{% macro default__test_composite_foreign_key(model, columns, to, to_columns) %}

{%- set columns = seedbed._column_list('composite_foreign_key', 'columns', columns) -%}
{%- set to_columns = seedbed._parent_columns('composite_foreign_key', columns, to_columns) -%}

with children as (

    -- as in SQL, a key with a null in it refers to nothing
    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ seedbed._all_known(columns) }}

),

parents as (

    select {{ to_columns | join(', ') }}
    from {{ seedbed._relation('composite_foreign_key', 'to', to) }}

)

select *
from children
where not exists (
    select 1
    from parents
    where {{ seedbed._all_equal('parents', to_columns, 'children', columns) }}
)

{% endmacro %}
