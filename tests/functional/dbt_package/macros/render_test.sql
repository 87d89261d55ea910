{# Renders a generic test of the package with any arguments, to see what it refuses. #}
{% macro render_test(test, arguments) %}
    {% do seedbed['test_' ~ test]('a_table', **arguments) %}
{% endmacro %}
