{% test single_current_version(model, entity=none, current=none, valid_to=none, sentinel=none) %}
    {{ return(adapter.dispatch('test_single_current_version', 'seedbed')(model, entity, current, valid_to, sentinel)) }}
{% endtest %}

{% macro default__test_single_current_version(model, entity, current, valid_to, sentinel) %}

{%- set test = 'single_current_version' -%}
{%- set entity = seedbed._column_list(test, 'entity', entity) -%}
{%- if current is none and valid_to is none -%}
    {{ seedbed._refuse(test, 'current', 'given where `valid_to` is not', current) }}
{%- endif -%}
{%- if current is not none and (valid_to is not none or sentinel is not none) -%}
    {{ seedbed._refuse(test, 'current', 'left out where `valid_to` or `sentinel` is given', current) }}
{%- endif -%}
{%- set is_current -%}
    {%- if current is none -%}
        {{ seedbed._is_open(test, seedbed._column(test, 'valid_to', valid_to), sentinel) }}
    {%- else -%}
        {{ seedbed._condition(test, 'current', current) }}
    {%- endif -%}
{%- endset -%}

with current_counts as (

    select
        {{ entity | join(', ') }},
        sum(case when {{ is_current }} then 1 else 0 end) as number_of_current_versions
    from {{ model }}
    where {{ seedbed._all_known(entity) }}
    group by {{ entity | join(', ') }}

)

select *
from current_counts
where number_of_current_versions <> 1

{% endmacro %}
