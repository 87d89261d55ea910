{# Every entity's states in their order: `history_position` counts from 1, `previous_state` is null at the first.
   Rows without an entity or a place in the order make no history and are left out. The state is the last key of
   the order, so that the result does not depend on chance where `order_by` is not unique. #}
{% macro _visits(test, model, entity, state, order_by) %}
    {%- set entity = seedbed._column_list(test, "entity", entity) -%}
    {%- set state = seedbed._column(test, "state", state) -%}
    {%- set order_by = seedbed._column_list(test, "order_by", order_by) -%}
    {%- set history = "partition by " ~ entity | join(", ") ~ " order by " ~ order_by | join(", ") ~ ", " ~ state -%}
    select
        {{ (entity + order_by + [state]) | unique | join(", ") }},
        row_number() over ({{ history }}) as history_position,
        lag({{ state }}) over ({{ history }}) as previous_state
    from {{ model }}
    where {{ seedbed._all_known(entity + order_by) }}
{%- endmacro %}


{# The declared moves as a list of (from, to, probability); the probability is none where only names are declared.
   A probability of 0 declares that the move does not happen, and leaves it out. #}
{% macro _declared_moves(test, transitions, with_probabilities=false) %}
    {% set expected = "a mapping {from: {to: probability}}" if with_probabilities
        else "a mapping {from: [to, ...]} or {from: {to: probability}}" %}
    {% if transitions is not mapping or not transitions %}
        {{ seedbed._refuse(test, "transitions", expected, transitions) }}
    {% endif %}
    {% set moves = [] %}
    {% for from_state, targets in transitions.items() %}
        {% if targets is mapping %}
            {% for to_state, probability in targets.items() %}
                {% if probability is not number or probability is boolean or probability < 0 or probability > 1 %}
                    {{ seedbed._refuse(
                        test, "transitions", "made of probabilities from 0 to 1",
                        from_state ~ ": {" ~ to_state ~ ": " ~ probability ~ "}"
                    ) }}
                {% endif %}
                {% if probability > 0 %}
                    {% do moves.append((from_state, to_state, probability)) %}
                {% endif %}
            {% endfor %}
            {% set total = targets.values() | sum %}
            {% if with_probabilities and targets and (total < 0.999 or total > 1.001) %}
                {{ seedbed._refuse(
                    test, "transitions", "made of probabilities that add up to 1 for every state",
                    from_state ~ ", where they add up to " ~ total
                ) }}
            {% endif %}
        {% elif with_probabilities or targets is none or targets is string or targets is not iterable %}
            {{ seedbed._refuse(test, "transitions", expected, from_state ~ ": " ~ targets) }}
        {% else %}
            {% for to_state in targets %}
                {% do moves.append((from_state, to_state, none)) %}
            {% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(moves) }}
{% endmacro %}
