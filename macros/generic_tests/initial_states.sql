{% test initial_states(model, entity=none, state=none, order_by=none, states=none) %}
    {{ return(adapter.dispatch('test_initial_states', 'seedbed')(model, entity, state, order_by, states)) }}
{% endtest %}

{% macro default__test_initial_states(model, entity, state, order_by, states) %}

with visits as (

    {{ seedbed._visits('initial_states', model, entity, state, order_by) }}

)

select *
from visits
where history_position = 1
    and not coalesce({{ state }} in ({{ seedbed._literal_list('initial_states', 'states', states) }}), false)

{% endmacro %}
