{# Several batches to a seed, with few rows. #}
{% macro default__get_batch_size() %}
    {{ return(3) }}
{% endmacro %}


{# Tells how often it is asked: dbt's own macro asks for every value, which is what makes it slow. #}
{% macro postgres__get_binding_char() %}
    {% do log('placeholder of ' ~ model.name, info=true) %}
    {{ return('%s') }}
{% endmacro %}
