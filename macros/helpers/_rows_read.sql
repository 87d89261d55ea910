{# The common table expressions of the model's rows as `rows_read`, with what each reads of its parents: a list of
   mappings `name`, `columns` of this table (or of the parent that `via` names), `to`, `to_columns` and `reads`. #}
{% macro _rows_read(test, model, parents) %}
{%- set parents = [] if parents is none else parents -%}
{%- for parent in parents -%}
    {%- if parent is not mapping or not parent.get('name') or not parent.get('reads') -%}
        {{ seedbed._refuse(test, 'parents', 'a list of mappings with `name`, `columns`, `to` and `reads`', parents) }}
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
    {%- set columns = seedbed._column_list(test, 'columns', parent.get('columns')) %}
    left join {{ seedbed._relation(test, 'to', parent.get('to')) }} as {{ parent.name }}
        on {{ seedbed._all_equal(
            parent.name, seedbed._parent_columns(test, columns, parent.get('to_columns')), parent.get('via', 'children'), columns
        ) }}
    {%- endfor %}

)
{%- endmacro %}
