{#- Whole seconds from one instant to another. -#}
{% macro seconds_between(start, finish) -%}
    {{ adapter.dispatch('seconds_between')(start, finish) }}
{%- endmacro %}
{% macro default__seconds_between(start, finish) -%}
    date_diff('second', {{ start }}, {{ finish }})
{%- endmacro %}
{% macro spark__seconds_between(start, finish) -%}
    (unix_timestamp({{ finish }}) - unix_timestamp({{ start }}))
{%- endmacro %}
