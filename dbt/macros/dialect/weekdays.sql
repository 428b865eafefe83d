{#- Whether a date is a Saturday or a Sunday. -#}
{% macro is_weekend(date) -%} {{ adapter.dispatch('is_weekend')(date) }} {%- endmacro %}
{% macro default__is_weekend(date) -%} (isodow({{ date }}) > 5) {%- endmacro %}
{% macro spark__is_weekend(date) -%} (weekday({{ date }}) > 4) {%- endmacro %}
