{% test contiguous_validity(model, entity=none, valid_from=none, valid_to=none, current=none, sentinel=none) %}
    {{ return(adapter.dispatch('test_contiguous_validity', 'seedbed')(model, entity, valid_from, valid_to, current, sentinel)) }}
{% endtest %}

{% macro default__test_contiguous_validity(model, entity, valid_from, valid_to, current, sentinel) %}

{%- set test = 'contiguous_validity' -%}
{%- set entity = seedbed._column_list(test, 'entity', entity) -%}
{%- set valid_from = seedbed._column(test, 'valid_from', valid_from) -%}
{%- set valid_to = seedbed._column(test, 'valid_to', valid_to) -%}

with versions as (

    select
        {{ entity | join(', ') }},
        {{ valid_from }},
        {{ valid_to }},
        case when {{ seedbed._is_open(test, valid_to, sentinel) }} then 1 else 0 end as open_version
        {%- if current is not none %},
        case when {{ seedbed._condition(test, 'current', current) }} then 1 else 0 end as current_version
        {%- endif %}
    from {{ model }}

),

successions as (

    select
        versions.*,
        lead({{ valid_from }}) over (
            partition by {{ entity | join(', ') }}
            order by {{ valid_from }}, open_version, {{ valid_to }}
        ) as next_valid_from
    from versions

),

problems as (

    select
        successions.*,
        case
            when not ({{ seedbed._all_known(entity) }}) then 'no entity'
            when {{ valid_from }} is null then 'no valid_from'
            when open_version = 0 and {{ valid_to }} <= {{ valid_from }} then 'valid_to is not after valid_from'
            when open_version = 1 and next_valid_from is not null then 'open before the last version'
            when {{ valid_to }} < next_valid_from then 'gap before the next version'
            when {{ valid_to }} > next_valid_from then 'overlap with the next version'
            {%- if current is not none %}
            when current_version = 1 and next_valid_from is not null then 'current before the last version'
            when current_version = 0 and open_version = 1 then 'open but not current'
            {%- endif %}
        end as problem
    from successions

)

select *
from problems
where problem is not null

{% endmacro %}
