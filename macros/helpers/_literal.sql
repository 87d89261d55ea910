{# A value of the property file as an SQL literal: a number as it stands, a text or a date between quotes. #}
{% macro _literal(test, argument, value) %}
    {% if value is none or value is boolean or value is mapping or (value is iterable and value is not string) %}
        {{ seedbed._refuse(
            test, argument, "made of texts, numbers or dates (YAML reads Yes, No, On and Off as booleans: quote them)", value
        ) }}
    {% endif %}
    {% if value is number %}
        {{ return(value | string) }}
    {% endif %}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(value | string))) }}
{% endmacro %}


{# The values of a list as SQL literals with commas between. #}
{% macro _literal_list(test, argument, values) %}
    {% if values is none or values is string or values is mapping or values is not iterable or not values | list %}
        {{ seedbed._refuse(test, argument, "a list of values that is not empty", values) }}
    {% endif %}
    {% set literals = [] %}
    {% for value in values %}
        {% do literals.append(seedbed._literal(test, argument, value)) %}
    {% endfor %}
    {{ return(literals | join(", ")) }}
{% endmacro %}
