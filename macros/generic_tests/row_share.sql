{% test row_share(model, predicate=none, min=none, max=none, parents=none) %}
    {{ return(adapter.dispatch('test_row_share', 'seedbed')(model, predicate, min, max, parents)) }}
{% endtest %}

{% macro default__test_row_share(model, predicate, min, max, parents) %}

{%- set predicate = seedbed._condition('row_share', 'predicate', predicate) -%}
{%- for argument, value in [('min', min), ('max', max)] if value is not none -%}
    {%- if value is not number or value is boolean or value < 0 or value > 1 -%}
        {{ seedbed._refuse('row_share', argument, 'a number from 0 to 1', value) }}
    {%- endif -%}
{%- endfor -%}
{%- if min is none and max is none -%}
    {{ seedbed._refuse('row_share', 'min', 'given where `max` is not', min) }}
{%- endif -%}
{%- if min is not none and max is not none and min > max -%}
    {{ seedbed._refuse('row_share', 'min', 'at most `max` (' ~ max ~ ')', min) }}
{%- endif -%}

{{ seedbed._rows_read('row_share', model, parents) }},

judged as (

    select
        rows_read.*,
        case when ({{ predicate }}) then 1 else 0 end as holds,
        count(*) over () as number_of_rows,
        sum(case when ({{ predicate }}) then 1 else 0 end) over () as number_that_hold
    from rows_read
    where ({{ predicate }}) is not null

)

-- four standard deviations of a share that is drawn so often
select *
from judged
where
    {%- if min is not none %}
    (holds = 0 and number_that_hold < {{ min }} * number_of_rows - 4 * sqrt({{ min * (1 - min) }} * number_of_rows) - 1e-9)
    {%- endif %}
    {{- ' or' if min is not none and max is not none }}
    {%- if max is not none %}
    (holds = 1 and number_that_hold > {{ max }} * number_of_rows + 4 * sqrt({{ max * (1 - max) }} * number_of_rows) + 1e-9)
    {%- endif %}

{% endmacro %}
