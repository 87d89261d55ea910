{% test terminal_states(model, entity=none, state=none, order_by=none, states=none) %}
    {{ return(adapter.dispatch('test_terminal_states', 'seedbed')(model, entity, state, order_by, states)) }}
{% endtest %}

{% macro default__test_terminal_states(model, entity, state, order_by, states) %}

{%- set entity_columns = seedbed._column_list('terminal_states', 'entity', entity) | join(', ') -%}

with visits as (

    {{ seedbed._visits('terminal_states', model, entity, state, order_by) }}

),

endings as (

    select
        visits.*,
        sum(case when {{ state }} in ({{ seedbed._literal_list('terminal_states', 'states', states) }}) then 1 else 0 end)
            over (
                partition by {{ entity_columns }}
                order by history_position
                rows between unbounded preceding and 1 preceding
            ) as number_of_endings_before
    from visits

)

select *
from endings
where number_of_endings_before > 0

{% endmacro %}
