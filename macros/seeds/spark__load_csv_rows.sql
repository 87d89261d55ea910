{# Loads a seed exactly. dbt's own macro writes values into the statement as they are, so that a null becomes the text
   None and an apostrophe ends the statement. Here they travel as JSON in hexadecimal digits, which nothing between dbt
   and Spark reads otherwise, whatever its settings. A value that its type cannot hold stops the load; Spark, where it
   is not in ANSI mode, would put null in its place.
   A project uses the macro through `dispatch`: see docs/loading-seeds.md. #}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set column_types = model['config'].get('column_types', {}) -%}
    {%- set columns = [] -%}
    {%- for column in agate_table.column_names -%}
        {%- set place = 'texts[' ~ loop.index0 ~ ']' -%}
        {%- set type = column_types.get(column, adapter.convert_type(agate_table, loop.index0)) -%}
        {%- set message = dbt.escape_single_quotes('seed ' ~ model['name'] ~ ', column ' ~ column ~ ', is not ' ~ type ~ ': ') -%}
        {%- do columns.append(
            'coalesce(cast(' ~ place ~ ' as ' ~ type ~ '), '
            ~ 'if(' ~ place ~ " is null, null, raise_error(concat('" ~ message ~ "', " ~ place ~ '))))'
        ) -%}
    {%- endfor -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set texts = [] -%}
        {%- for row in rows -%}
            {%- set cells = [] -%}
            {%- for value in row -%}{%- do cells.append(none if value is none else value | string) -%}{%- endfor -%}
            {%- do texts.append(cells) -%}
        {%- endfor -%}
        {%- set sql -%}
insert into {{ this.render() }}
select
    {{ columns | join(',\n    ') }}
from (
    select explode(from_json(decode(unhex('{{ tojson(texts).encode('utf-8').hex() }}'), 'UTF-8'), 'array<array<string>>')) as texts
) as seed_rows
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
        {%- if loop.first -%}{%- do statements.append(sql) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(statements | first) }}
{% endmacro %}
