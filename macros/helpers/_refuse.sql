{# Stops the compilation: which argument of which test is wrong, what it may be, and what was got. #}
{% macro _refuse(test, argument, expected, got) %}
    {{ exceptions.raise_compiler_error(
        "seedbed." ~ test ~ ": `" ~ argument ~ "` must be " ~ expected ~ "; "
        ~ ("it is missing" if got is none else "got " ~ (("'" ~ got ~ "'") if got is string else got)) ~ "."
    ) }}
{% endmacro %}
