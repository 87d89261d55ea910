{% test row_holds(model, predicate=none, parents=none) %}
    {{ return(adapter.dispatch('test_row_holds', 'seedbed')(model, predicate, parents)) }}
{% endtest %}

{% macro default__test_row_holds(model, predicate, parents) %}

{%- set predicate = seedbed._condition('row_holds', 'predicate', predicate) -%}
{%- set parents = [] if parents is none else parents -%}
{%- for parent in parents -%}
    {%- if parent is not mapping or not parent.get('name') or not parent.get('reads') -%}
        {{ seedbed._refuse('row_holds', 'parents', 'a list of mappings with `name`, `columns`, `to` and `reads`', parents) }}
    {%- endif -%}
{%- endfor -%}

with children as (

    select * from {{ model }}

),

rows_read as (

    select
        children.*
        {%- for parent in parents %}{% for alias, column in parent.reads.items() %},
        {{ parent.name }}.{{ column }} as {{ alias }}
        {%- endfor %}{% endfor %}
    from children
    {%- for parent in parents %}
    {%- set columns = seedbed._column_list('row_holds', 'columns', parent.get('columns')) %}
    left join {{ seedbed._relation('row_holds', 'to', parent.get('to')) }} as {{ parent.name }}
        on {{ seedbed._all_equal(
            parent.name, seedbed._parent_columns('row_holds', columns, parent.get('to_columns')), parent.get('via', 'children'), columns
        ) }}
    {%- endfor %}

)

-- as in a check constraint, a predicate that is null counts as holding
select *
from rows_read
where not coalesce(({{ predicate }}), true)

{% endmacro %}
