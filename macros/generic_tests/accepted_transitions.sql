{% test accepted_transitions(model, entity=none, state=none, order_by=none, transitions=none) %}
    {{ return(adapter.dispatch('test_accepted_transitions', 'seedbed')(model, entity, state, order_by, transitions)) }}
{% endtest %}

{% macro default__test_accepted_transitions(model, entity, state, order_by, transitions) %}

{%- set test = 'accepted_transitions' -%}
{%- set moves = seedbed._declared_moves(test, transitions) -%}

with visits as (

    {{ seedbed._visits(test, model, entity, state, order_by) }}

)

select *
from visits
where history_position > 1
    and not coalesce(
        {% for from_state, to_state, _ in moves -%}
        {{ 'or ' if not loop.first -}}
        (previous_state = {{ seedbed._literal(test, 'transitions', from_state) }} and {{ state }} = {{ seedbed._literal(test, 'transitions', to_state) }})
        {% else -%}
        1 = 0
        {% endfor -%},
        false
    )

{% endmacro %}
