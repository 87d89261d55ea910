{% test sum_of_children(model, column_name=none, columns=none, to=none, field=none, to_columns=none, summed=none, at_most=none, at_least=none, equals=none) %}
    {{ return(adapter.dispatch('test_sum_of_children', 'seedbed')(
        model, column_name, columns, to, field, to_columns, summed, at_most, at_least, equals
    )) }}
{% endtest %}

{% macro default__test_sum_of_children(model, column_name, columns, to, field, to_columns, summed, at_most, at_least, equals) %}

{%- set test = 'sum_of_children' -%}
{%- set columns = seedbed._child_columns(test, column_name, columns) -%}
{%- set to_columns = seedbed._parent_columns(test, columns, to_columns, field) -%}
{%- set summed = seedbed._column(test, 'summed', summed) -%}
{%- set bounds = [] -%}
{%- for argument, value, sign in [('at_most', at_most, 1), ('at_least', at_least, -1), ('equals', equals, 0)] -%}
    {%- if value is not none -%}
        {%- do bounds.append((argument, seedbed._expression(test, argument, value), sign)) -%}
    {%- endif -%}
{%- endfor -%}
{%- if not bounds -%}
    {{ seedbed._refuse(test, 'at_most', 'given where `at_least` and `equals` are not', at_most) }}
{%- endif -%}

with parents as (

    select
        {{ to_columns | join(', ') }}
        {%- for argument, expression, _ in bounds %},
        {{ expression }} as {{ argument }}_bound
        {%- endfor %}
    from {{ seedbed._relation(test, 'to', to) }}
    where {{ seedbed._all_known(to_columns) }}

),

child_sums as (

    select
        {{ columns | join(', ') }},
        sum({{ summed }}) as total
    from {{ model }}
    group by {{ columns | join(', ') }}

),

parent_sums as (

    select
        parents.*,
        coalesce(child_sums.total, 0) as sum_of_children
    from parents
    left join child_sums
        on {{ seedbed._all_equal('child_sums', columns, 'parents', to_columns) }}

)

-- sums of binary fractions differ in their last digits by the order in which they are made
select *
from parent_sums
where
    {%- for argument, _, sign in bounds %}
    {%- set bound = argument ~ '_bound' %}
    {{- ' or' if not loop.first }}
    {{ {1: 'sum_of_children - ' ~ bound, -1: bound ~ ' - sum_of_children', 0: 'abs(sum_of_children - ' ~ bound ~ ')'}[sign] }} > 1e-9 * greatest(1, abs({{ bound }}))
    {%- endfor %}

{% endmacro %}
