{# Loads a seed as dbt does, but asks once for the placeholder of a value and not once for every value, which is
   what makes dbt's own macro slow. A project uses it through `dispatch`: see docs/loading-seeds.md. #}
{% macro postgres__load_csv_rows(model, agate_table) %}
    {%- set columns = get_seed_column_quoted_csv(model, agate_table.column_names) | replace('%', '%%') -%}
    {%- set row = '(' ~ ([get_binding_char()] * agate_table.column_names | length) | join(', ') ~ ')' -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set bindings = [] -%}
        {%- for cells in rows -%}{%- do bindings.extend(cells) -%}{%- endfor -%}
        {%- set values = ([row] * rows | length) | join(',\n') -%}
        {%- set sql -%}
insert into {{ this.render() }} ({{ columns }}) values
{{ values }}
        {%- endset -%}
        {%- do adapter.add_query(sql, bindings=bindings, abridge_sql_log=True) -%}
        {%- if loop.first -%}{%- do statements.append(sql) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(statements | first) }}
{% endmacro %}
