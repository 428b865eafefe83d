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

{#- A column's whole number of hours as an interval. -#}
{% macro hours(number) -%} {{ adapter.dispatch('hours')(number) }} {%- endmacro %}
{% macro default__hours(number) -%} to_hours({{ number }}) {%- endmacro %}
{% macro spark__hours(number) -%} make_interval(0, 0, 0, 0, {{ number }}, 0, 0) {%- endmacro %}
