{#-
    The instant as of which everything is computed, a TIMESTAMP in UTC. DuckDB takes it from a
    variable of the session (warehouse/attach.py sets it): a dbt var that changed each night would have
    the whole project parsed each night.
-#}
{% macro as_of() -%} {{ adapter.dispatch('as_of')() }} {%- endmacro %}
{% macro default__as_of() -%} getvariable('as_of') {%- endmacro %}
{% macro spark__as_of() -%}
    timestamp '{{ var("as_of") | replace("T", " ") | replace("Z", "") }}'
{%- endmacro %}

{#- The id of the run that builds. -#}
{% macro run_id() -%} {{ adapter.dispatch('run_id')() }} {%- endmacro %}
{% macro default__run_id() -%} getvariable('run_id') {%- endmacro %}
{% macro spark__run_id() -%} '{{ var("run_id") }}' {%- endmacro %}

{#- The date of a UTC instant in the reporting time zone. No other place applies a time zone. -#}
{% macro reporting_date(instant) -%}
    {%- if var("timezone") in ("UTC", "Etc/UTC") -%} cast({{ instant }} as date)
    {%- else -%} cast({{ from_utc(instant, var("timezone")) }} as date)
    {%- endif -%}
{%- endmacro %}

{#- The UTC instant at which a date of the reporting time zone begins. -#}
{% macro day_starts_at(date) -%}
    {%- if var("timezone") in ("UTC", "Etc/UTC") -%} cast({{ date }} as timestamp)
    {%- else -%} {{ to_utc("cast(" ~ date ~ " as timestamp)", var("timezone")) }}
    {%- endif -%}
{%- endmacro %}

{#- The reporting date of the as-of instant itself; the running day and month contain it. -#}
{% macro as_of_date() -%} {{ reporting_date(as_of()) }} {%- endmacro %}

{#- The first day of every month until the as-of date, in a column `month`. -#}
{% macro months() -%}
    (
        select date as month from {{ dates_between("date '2010-01-01'", as_of_date()) }}
        where extract(day from date) = 1
    )
{%- endmacro %}

{#- The last day of the month that begins on a date. -#}
{% macro month_end(month) -%}
    cast({{ month }} + interval 1 month - interval 1 day as date)
{%- endmacro %}

{#- The first day of a date's month. -#}
{% macro month_of(date) -%} cast(date_trunc('month', {{ date }}) as date) {%- endmacro %}
