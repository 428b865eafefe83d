{#- What DuckDB and Spark SQL spell differently about time. Instants are TIMESTAMP in UTC. -#}

{% macro epoch(seconds) -%} {{ adapter.dispatch('epoch')(seconds) }} {%- endmacro %}
{% macro default__epoch(seconds) -%} make_timestamp({{ seconds }} * 1000000) {%- endmacro %}
{% macro spark__epoch(seconds) -%} timestamp_seconds({{ seconds }}) {%- endmacro %}

{#- Wall-clock time of `zone` for a UTC instant. -#}
{% macro from_utc(instant, zone) -%} {{ adapter.dispatch('from_utc')(instant, zone) }} {%- endmacro %}
{% macro default__from_utc(instant, zone) -%}
    timezone('{{ zone }}', timezone('UTC', {{ instant }}))
{%- endmacro %}
{% macro spark__from_utc(instant, zone) -%}
    from_utc_timestamp({{ instant }}, '{{ zone }}')
{%- endmacro %}

{#- The UTC instant of a wall-clock time in `zone`. -#}
{% macro to_utc(wall_clock, zone) -%} {{ adapter.dispatch('to_utc')(wall_clock, zone) }} {%- endmacro %}
{% macro default__to_utc(wall_clock, zone) -%}
    timezone('UTC', timezone('{{ zone }}', {{ wall_clock }}))
{%- endmacro %}
{% macro spark__to_utc(wall_clock, zone) -%}
    to_utc_timestamp({{ wall_clock }}, '{{ zone }}')
{%- endmacro %}

{#- One row per date from `first` to `last`, both included: select `date` from this. -#}
{% macro dates_between(first, last) -%} {{ adapter.dispatch('dates_between')(first, last) }} {%- endmacro %}
{% macro default__dates_between(first, last) -%}
    (select cast(day as date) as date from generate_series({{ first }}, {{ last }}, interval 1 day) as days(day))
{%- endmacro %}
{% macro spark__dates_between(first, last) -%}
    (select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}

{#- Days from one date to another: 1 from a day to the next. -#}
{% macro days_between(first, last) -%} {{ adapter.dispatch('days_between')(first, last) }} {%- endmacro %}
{% macro default__days_between(first, last) -%} date_diff('day', {{ first }}, {{ last }}) {%- endmacro %}
{% macro spark__days_between(first, last) -%} datediff({{ last }}, {{ first }}) {%- endmacro %}

{#- An ISO 8601 text in UTC, with or without `+00:00`, as a TIMESTAMP. -#}
{% macro instant(text) -%} try_cast(substr({{ text }}, 1, 19) as timestamp) {%- endmacro %}

{#- A row for each date from `first` to `last`, both included; used in a select list. -#}
{% macro explode_dates(first, last) -%} {{ adapter.dispatch('explode_dates')(first, last) }} {%- endmacro %}
{% macro default__explode_dates(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}
{% macro spark__explode_dates(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}
