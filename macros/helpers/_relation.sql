{# The table that an argument refers to. #}
{% macro _relation(test, argument, value) %}
    {% if value is none or value is string or value is number or value is boolean %}
        {{ seedbed._refuse(test, argument, "a table, such as ref('customers') or source('crm', 'customers')", value) }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}
