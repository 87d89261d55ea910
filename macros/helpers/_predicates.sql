{# None of the columns is null. #}
{% macro _all_known(columns, table=none) %}
    {%- for column in columns -%}
        {{ " and " if not loop.first }}{{ table ~ "." if table }}{{ column }} is not null
    {%- endfor -%}
{% endmacro %}


{# The columns of two tables are equal, pairwise. #}
{% macro _all_equal(left, left_columns, right, right_columns) %}
    {%- for column in left_columns -%}
        {{ " and " if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ right_columns[loop.index0] }}
    {%- endfor -%}
{% endmacro %}


{# The version has no end yet: `valid_to` is null or the sentinel that stands for it. #}
{% macro _is_open(test, valid_to, sentinel, table=none) %}
    {%- set column = (table ~ "." if table else "") ~ valid_to -%}
    {%- if sentinel is none -%}
        {{ column }} is null
    {%- else -%}
        ({{ column }} is null or {{ column }} = {{ seedbed._literal(test, "sentinel", sentinel) }})
    {%- endif -%}
{% endmacro %}
