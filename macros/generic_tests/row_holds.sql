{% test row_holds(model, predicate=none, parents=none) %}
    {{ return(adapter.dispatch('test_row_holds', 'seedbed')(model, predicate, parents)) }}
{% endtest %}

{% macro default__test_row_holds(model, predicate, parents) %}

{%- set predicate = seedbed._condition('row_holds', 'predicate', predicate) -%}

{{ seedbed._rows_read('row_holds', model, parents) }}

-- as in a check constraint, a predicate that is null counts as holding
select *
from rows_read
where not coalesce(({{ predicate }}), true)

{% endmacro %}
