{% test fan_out(model, column_name=none, columns=none, to=none, field=none, to_columns=none, min=none, max=none, parent_condition=none) %}
    {{ return(adapter.dispatch('test_fan_out', 'seedbed')(model, column_name, columns, to, field, to_columns, min, max, parent_condition)) }}
{% endtest %}

{% macro default__test_fan_out(model, column_name, columns, to, field, to_columns, min, max, parent_condition) %}

{%- set columns = seedbed._child_columns('fan_out', column_name, columns) -%}
{%- set to_columns = seedbed._parent_columns('fan_out', columns, to_columns, field) -%}
{%- for argument, value in [('min', min), ('max', max)] if value is not none -%}
    {%- if value is not integer or value < 0 -%}
        {{ seedbed._refuse('fan_out', argument, 'a whole number of children, 0 or more', value) }}
    {%- endif -%}
{%- endfor -%}
{%- if min is none and max is none -%}
    {{ seedbed._refuse('fan_out', 'min', 'given where `max` is not', min) }}
{%- endif -%}
{%- if min is not none and max is not none and min > max -%}
    {{ seedbed._refuse('fan_out', 'min', 'at most `max` (' ~ max ~ ')', min) }}
{%- endif -%}

with parents as (

    select distinct {{ to_columns | join(', ') }}
    from {{ seedbed._relation('fan_out', 'to', to) }}
    where {{ seedbed._all_known(to_columns) }}
        {%- if parent_condition is not none %}
        and ({{ seedbed._condition('fan_out', 'parent_condition', parent_condition) }})
        {%- endif %}

),

child_counts as (

    select
        {{ columns | join(', ') }},
        count(*) as number_of_rows
    from {{ model }}
    group by {{ columns | join(', ') }}

),

parent_counts as (

    select
        parents.*,
        coalesce(child_counts.number_of_rows, 0) as number_of_children
    from parents
    left join child_counts
        on {{ seedbed._all_equal('child_counts', columns, 'parents', to_columns) }}

)

select *
from parent_counts
where {{ 'number_of_children < ' ~ min if min is not none }}
    {{- ' or ' if min is not none and max is not none }}
    {{- 'number_of_children > ' ~ max if max is not none }}

{% endmacro %}
