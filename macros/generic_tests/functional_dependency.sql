{% test functional_dependency(model, determinant=none, dependent=none) %}
    {{ return(adapter.dispatch('test_functional_dependency', 'seedbed')(model, determinant, dependent)) }}
{% endtest %}

{% macro default__test_functional_dependency(model, determinant, dependent) %}

{%- set determinant = seedbed._column_list('functional_dependency', 'determinant', determinant) -%}
{%- set dependent = seedbed._column_list('functional_dependency', 'dependent', dependent) -%}
{%- for column in dependent if column in determinant -%}
    {{ seedbed._refuse('functional_dependency', 'dependent', 'columns that are not in `determinant`', column) }}
{%- endfor -%}

with combinations as (

    select distinct {{ (determinant + dependent) | join(', ') }}
    from {{ model }}
    where {{ seedbed._all_known(determinant) }}

),

dependent_counts as (

    select
        {{ determinant | join(', ') }},
        count(*) as number_of_values
    from combinations
    group by {{ determinant | join(', ') }}

)

select *
from dependent_counts
where number_of_values > 1

{% endmacro %}
