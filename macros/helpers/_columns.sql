{# The columns that an argument names, as a list: one name or a list of names, none of them twice. #}
{% macro _column_list(test, argument, value) %}
    {% set columns = [value] if value is string else value %}
    {% set expected = "a column's name or a list of names" %}
    {% if columns is none or columns is mapping or columns is not iterable or not columns | list %}
        {{ seedbed._refuse(test, argument, expected, value) }}
    {% endif %}
    {% for column in columns if column is not string or not column | trim %}
        {{ seedbed._refuse(test, argument, expected, value) }}
    {% endfor %}
    {% if columns | unique(case_sensitive=true) | list | length != columns | list | length %}
        {{ seedbed._refuse(test, argument, "a list that names no column twice", value) }}
    {% endif %}
    {{ return(columns | list) }}
{% endmacro %}


{# The one column that an argument names. #}
{% macro _column(test, argument, value) %}
    {% if value is not string or not value | trim %}
        {{ seedbed._refuse(test, argument, "a column's name", value) }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{# The condition under which a version is the current one: a boolean column, or any condition over the row. #}
{% macro _condition(test, argument, value) %}
    {% if value is not string or not value | trim %}
        {{ seedbed._refuse(test, argument, "a boolean column or a condition", value) }}
    {% endif %}
    {{ return(value) }}
{% endmacro %}


{# The child's columns: `column_name` where the test stands under a column, else `columns`. #}
{% macro _child_columns(test, column_name, columns) %}
    {% if column_name is not none and columns is not none %}
        {{ seedbed._refuse(test, "columns", "left out where the test stands under a column", columns) }}
    {% endif %}
    {{ return(seedbed._column_list(test, "columns", column_name if columns is none else columns)) }}
{% endmacro %}


{# The parent's columns, as many as the child's: `to_columns`, or `field` for one; by default of the same names. #}
{% macro _parent_columns(test, columns, to_columns, field=none) %}
    {% if field is not none and to_columns is not none %}
        {{ seedbed._refuse(test, "to_columns", "left out where `field` is given", to_columns) }}
    {% endif %}
    {% set argument, value = ("field", field) if field is not none else ("to_columns", to_columns) %}
    {% set parent_columns = columns if value is none else seedbed._column_list(test, argument, value) %}
    {% if parent_columns | length != columns | length %}
        {{ seedbed._refuse(test, argument, "as many columns as the " ~ columns | length ~ " of " ~ columns, value) }}
    {% endif %}
    {{ return(parent_columns) }}
{% endmacro %}


{# An expression over a row: a column, a number, or SQL. #}
{% macro _expression(test, argument, value) %}
    {% if value is boolean or (value is not number and (value is not string or not value | trim)) %}
        {{ seedbed._refuse(test, argument, "a column, a number or an SQL expression", value) }}
    {% endif %}
    {{ return(value | string) }}
{% endmacro %}
