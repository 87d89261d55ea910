{% test composite_key(model, columns=none) %}
    {{ return(adapter.dispatch('test_composite_key', 'seedbed')(model, columns)) }}
{% endtest %}

{% macro default__test_composite_key(model, columns) %}

{%- set columns = seedbed._column_list('composite_key', 'columns', columns) -%}
{%- set key = columns | join(', ') -%}

with key_counts as (

    select
        {{ key }},
        count(*) as number_of_rows
    from {{ model }}
    group by {{ key }}

)

select *
from key_counts
where number_of_rows > 1
    or not ({{ seedbed._all_known(columns) }})

{% endmacro %}
