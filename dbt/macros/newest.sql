{#-
    For each id the newest landed version as of the instant: `id, created, observed_at, source,
    event_id, api_version, account, livemode, payload`. What was observed or created later does
    not exist.

    Ties of `observed_at` are broken in the same way whatever the order of arrival: a listed or
    retrieved version before one that an event carried (an event's second can hold several
    versions, and pull then fetches the object again), then the event's id, then the text.

    Almost all objects of the big tables have one version: only the others are sorted, so the
    payloads of ten million balance transactions stream through.
-#}
{% macro newest(object) -%}
    {%- set landed = source('landing', object | replace('.', '_')) -%}
    {%- set columns = 'id, created, observed_at, source, event_id, api_version, account, livemode, payload' -%}
    {%- set visible = visible_landing() -%}
    select {{ columns }}
    from {{ landed }}
    where
        {{ visible }}
        and id not in (
            select id from {{ landed }} where {{ visible }} group by id having count(*) > 1
        )
    union all
    select {{ columns }}
    from (
        select
            {{ columns }},
            row_number() over (
                partition by id
                order by
                    observed_at desc,
                    case when source = 'list' then 0 else 1 end,
                    event_id desc,
                    payload desc
            ) as recency
        from {{ landed }}
        where
            {{ visible }}
            and id in (
                select id from {{ landed }} where {{ visible }} group by id having count(*) > 1
            )
    ) as versions
    where recency = 1
{%- endmacro %}

{#- What of the landing exists as of the instant. -#}
{% macro visible_landing() -%}
    observed_at <= {{ as_of() }} and (created is null or created <= {{ as_of() }})
{%- endmacro %}
