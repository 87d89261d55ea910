{% test increasing(model, column_name=none, per=none, by=none) %}
    {{ return(adapter.dispatch('test_increasing', 'seedbed')(model, column_name, per, by)) }}
{% endtest %}

{% macro default__test_increasing(model, column_name, per, by) %}

{%- set column_name = seedbed._column('increasing', 'column_name', column_name) -%}
{%- set per = seedbed._column_list('increasing', 'per', per) -%}
{%- set by = seedbed._column('increasing', 'by', by) -%}

-- rows at the same place in the order stand together, so that nothing is said of them
with places as (

    select
        {{ (per + [by]) | join(', ') }},
        min({{ column_name }}) as lowest_value,
        max({{ column_name }}) as highest_value
    from {{ model }}
    where {{ seedbed._all_known(per + [by, column_name]) }}
    group by {{ (per + [by]) | join(', ') }}

),

successions as (

    select
        places.*,
        max(highest_value) over (
            partition by {{ per | join(', ') }}
            order by {{ by }}
            rows between unbounded preceding and 1 preceding
        ) as highest_value_before
    from places

)

select *
from successions
where lowest_value < highest_value_before

{% endmacro %}
