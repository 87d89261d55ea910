{% test not_after(model, column_name=none, moment=none) %}
    {{ return(adapter.dispatch('test_not_after', 'seedbed')(model, column_name, moment)) }}
{% endtest %}

{% macro default__test_not_after(model, column_name, moment) %}

{%- if moment is none -%}
    {{ seedbed._refuse('not_after', 'moment', 'a number, a date or a moment', moment) }}
{%- endif %}

select {{ seedbed._column('not_after', 'column_name', column_name) }}
from {{ model }}
where {{ column_name }} > {{ seedbed._literal('not_after', 'moment', moment) }}

{% endmacro %}
