{#- Aggregate: the distinct values of a text column, sorted, in one text; null when there is none. -#}
{% macro text_list(column) -%} {{ adapter.dispatch('text_list')(column) }} {%- endmacro %}
{% macro default__text_list(column) -%}
    string_agg(distinct {{ column }}, ', ' order by {{ column }})
{%- endmacro %}
{% macro spark__text_list(column) -%}
    nullif(array_join(sort_array(collect_set({{ column }})), ', '), '')
{%- endmacro %}

{#- A text's letters and digits only, in upper case: how references of banks are compared. -#}
{% macro bare_text(text) -%} {{ adapter.dispatch('bare_text')(text) }} {%- endmacro %}
{% macro default__bare_text(text) -%}
    regexp_replace(upper({{ text }}), '[^A-Z0-9]', '', 'g')
{%- endmacro %}
{% macro spark__bare_text(text) -%}
    regexp_replace(upper({{ text }}), '[^A-Z0-9]', '')
{%- endmacro %}

{#- Aggregate: the distinct values of a column, sorted, as an array. -#}
{% macro value_set(column) -%} {{ adapter.dispatch('value_set')(column) }} {%- endmacro %}
{% macro default__value_set(column) -%} list(distinct {{ column }} order by {{ column }}) {%- endmacro %}
{% macro spark__value_set(column) -%} sort_array(collect_set({{ column }})) {%- endmacro %}
