{% test within_validity(model, column_name=none, columns=none, at=none, to=none, field=none, to_columns=none, valid_from=none, valid_to=none, sentinel=none) %}
    {{ return(adapter.dispatch('test_within_validity', 'seedbed')(model, column_name, columns, at, to, field, to_columns, valid_from, valid_to, sentinel)) }}
{% endtest %}

{% macro default__test_within_validity(model, column_name, columns, at, to, field, to_columns, valid_from, valid_to, sentinel) %}

{%- set test = 'within_validity' -%}
{%- set columns = seedbed._child_columns(test, column_name, columns) -%}
{%- set to_columns = seedbed._parent_columns(test, columns, to_columns, field) -%}
{%- set at = seedbed._column(test, 'at', at) -%}
{%- set valid_from = seedbed._column(test, 'valid_from', valid_from) -%}
{%- set valid_to = seedbed._column(test, 'valid_to', valid_to) -%}
{%- set keys = (columns + [at]) | unique | list -%}

with facts as (

    select {{ keys | join(', ') }}
    from {{ model }}
    where {{ seedbed._all_known(keys) }}

),

moments as (

    select distinct {{ keys | join(', ') }}
    from facts

),

versions as (

    select {{ (to_columns + [valid_from, valid_to]) | unique | join(', ') }}
    from {{ seedbed._relation(test, 'to', to) }}

),

version_counts as (

    select
        {% for column in keys -%}
        moments.{{ column }},
        {% endfor -%}
        count(versions.{{ valid_from }}) as number_of_versions
    from moments
    left join versions
        on {{ seedbed._all_equal('versions', to_columns, 'moments', columns) }}
        and versions.{{ valid_from }} <= moments.{{ at }}
        and (moments.{{ at }} < versions.{{ valid_to }} or {{ seedbed._is_open(test, valid_to, sentinel, 'versions') }})
    group by
        {% for column in keys -%}
        moments.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
)

select
    facts.*,
    version_counts.number_of_versions
from facts
inner join version_counts
    on {{ seedbed._all_equal('version_counts', keys, 'facts', keys) }}
where version_counts.number_of_versions <> 1

{% endmacro %}
