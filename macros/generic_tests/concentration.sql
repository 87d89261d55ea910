{% test concentration(model, column_name=none, columns=none, to=none, field=none, to_columns=none, share=none, of=none) %}
    {{ return(adapter.dispatch('test_concentration', 'seedbed')(
        model, column_name, columns, to, field, to_columns, share, of
    )) }}
{% endtest %}

{% macro default__test_concentration(model, column_name, columns, to, field, to_columns, share, of) %}

{%- set columns = seedbed._child_columns('concentration', column_name, columns) -%}
{%- set to_columns = seedbed._parent_columns('concentration', columns, to_columns, field) -%}
{%- for argument, value in [('share', share), ('of', of)] -%}
    {%- if value is not number or value <= 0 or value >= 1 -%}
        {{ seedbed._refuse('concentration', argument, 'a number between 0 and 1', value) }}
    {%- endif -%}
{%- endfor -%}

with parents as (

    select distinct {{ to_columns | join(', ') }}
    from {{ seedbed._relation('concentration', 'to', to) }}
    where {{ seedbed._all_known(to_columns) }}

),

child_counts as (

    select
        {{ columns | join(', ') }},
        count(*) as number_of_rows
    from {{ model }}
    where {{ seedbed._all_known(columns) }}
    group by {{ columns | join(', ') }}

),

ranked as (

    select
        parents.*,
        coalesce(child_counts.number_of_rows, 0) as number_of_rows,
        row_number() over (order by coalesce(child_counts.number_of_rows, 0) desc) as place,
        count(*) over () as number_of_parents,
        sum(child_counts.number_of_rows) over () as number_of_all_rows
    from parents
    left join child_counts
        on {{ seedbed._all_equal('child_counts', columns, 'parents', to_columns) }}

),

busiest as (

    select
        ranked.*,
        sum(number_of_rows) over () as rows_of_the_busiest
    from ranked
    where place <= greatest(1, round({{ of }} * number_of_parents))

)

-- four standard deviations of a share that is drawn so often
select *
from busiest
where number_of_all_rows > 0
    and rows_of_the_busiest < {{ share }} * number_of_all_rows - 4 * sqrt({{ share * (1 - share) }} * number_of_all_rows)

{% endmacro %}
