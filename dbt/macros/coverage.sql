{#-
    Whether what happened on a date to objects of a kind is unknown: their list could not be read since
    then. What is unknown is null, never 0.
-#}
{% macro is_unread(object_name, date) -%}
    coalesce({{ date }} >= (
        select min({{ reporting_date('unread.unread_from') }})
        from {{ ref('int_unread_objects') }} as unread
        where unread.object_name = '{{ object_name }}'
    ), false)
{%- endmacro %}

{#- A sum of which nothing is unknown: with a part that is null, it is null. -#}
{% macro sum_known(amount) -%}
    case when count(*) = count({{ amount }}) then sum({{ amount }}) end
{%- endmacro %}

{#-
    The tax of a payment or refund by the first of these joins of int_payment_taxes that found a row:
    0 where none did, null where the row says that it is unknown.
-#}
{% macro known_tax() -%}
    case
        {%- for taxes in varargs %}
        when {{ taxes }}.source_id is not null then {{ taxes }}.amount
        {%- endfor %}
        else 0
    end
{%- endmacro %}
