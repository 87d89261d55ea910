{% test transition_rates(model, entity=none, state=none, order_by=none, transitions=none, revisit=true, alpha=0.001) %}
    {{ return(adapter.dispatch('test_transition_rates', 'seedbed')(model, entity, state, order_by, transitions, revisit, alpha)) }}
{% endtest %}

{% macro default__test_transition_rates(model, entity, state, order_by, transitions, revisit, alpha) %}

{%- set test = 'transition_rates' -%}
{%- set entity = seedbed._column_list(test, 'entity', entity) -%}
{%- set moves = seedbed._declared_moves(test, transitions, with_probabilities=true) -%}
{%- if revisit is not boolean -%}
    {{ seedbed._refuse(test, 'revisit', 'true or false', revisit) }}
{%- endif -%}
{#- upper quantiles of the standard normal distribution, for which neither Jinja nor SQL has a function -#}
{%- set quantiles = [(0.05, 1.644854), (0.01, 2.326348), (0.001, 3.090232), (0.0001, 3.719016), (0.00001, 4.264891)] -%}
{%- set chosen = quantiles | selectattr(0, 'equalto', alpha) | list -%}
{%- if not chosen -%}
    {{ seedbed._refuse(test, 'alpha', 'one of 0.05, 0.01, 0.001, 0.0001, 0.00001', alpha) }}
{%- endif -%}
{%- set quantile = chosen[0][1] -%}

{#- The usual bound of Pearson's test: a cell that is expected less often says nothing reliable. -#}
{%- set min_expected = 5 -%}
{%- set move_key = (['history_position'] + entity) | join(', ') -%}

with visits as (

    {{ seedbed._visits(test, model, entity, state, order_by) }}

),

declared as (

    {% for from_state, to_state, probability in moves -%}
    select
        {{ seedbed._literal(test, 'transitions', from_state) }} as from_state,
        {{ seedbed._literal(test, 'transitions', to_state) }} as to_state,
        cast({{ probability }} as {{ dbt.type_float() }}) as probability
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

chances as (

    -- every state that each move could have led to{{ ', without those that the entity had before' if not revisit }}
    select
        {% for column in entity -%}
        visits.{{ column }},
        {% endfor -%}
        visits.history_position,
        declared.from_state,
        declared.to_state,
        declared.probability,
        case when visits.{{ state }} = declared.to_state then 1 else 0 end as taken
    from visits
    inner join declared
        on declared.from_state = visits.previous_state
    {%- if not revisit %}
    where not exists (
        select 1
        from visits as earlier
        where {{ seedbed._all_equal('earlier', entity, 'visits', entity) }}
            and earlier.{{ state }} = declared.to_state
            and earlier.history_position < visits.history_position
    )
    {%- endif %}

),

shares as (

    select
        chances.*,
        probability / sum(probability) over (partition by {{ move_key }}) as share,
        sum(taken) over (partition by {{ move_key }}) as declared_moves
    from chances

),

cells as (

    -- moves that nobody declared are left to accepted_transitions
    select
        from_state,
        to_state,
        sum(taken) as observed,
        sum(share) as expected
    from shares
    where declared_moves = 1
    group by from_state, to_state

),

pooled_cells as (

    select
        from_state,
        case when expected >= {{ min_expected }} then to_state end as cell,
        sum(observed) as observed,
        sum(expected) as expected
    from cells
    group by from_state, case when expected >= {{ min_expected }} then to_state end

),

statistics as (

    select
        from_state,
        sum(observed) as number_of_transitions,
        count(*) - 1 as degrees_of_freedom,
        sum(
            case
                when expected >= {{ min_expected }} then (observed - expected) * (observed - expected) / expected
                else 0
            end
        ) as chi_square
    from pooled_cells
    group by from_state

),

limits as (

    -- the chi-square distribution's upper quantile, by the approximation of Wilson and Hilferty (1931)
    select
        statistics.*,
        degrees_of_freedom * power(
            1 - 2.0 / (9 * degrees_of_freedom) + {{ quantile }} * sqrt(2.0 / (9 * degrees_of_freedom)), 3
        ) as critical_value
    from statistics
    where degrees_of_freedom > 0

)

select *
from limits
where chi_square > critical_value

{% endmacro %}
