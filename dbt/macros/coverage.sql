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
