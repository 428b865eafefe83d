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
    {%- set visible = 'observed_at <= ' ~ as_of() ~ ' and (created is null or created <= ' ~ as_of() ~ ')' -%}
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

{#-
    Every version of an object that was seen by the instant, for its history: as landed, and as the
    event log carried it (a first pull lands the events of the last 30 days, and of each object
    only what was listed). Each event counts once.
-#}
{% macro every_version(object) -%}
    {%- set landed = source('landing', object | replace('.', '_')) -%}
    {%- set events = source('landing', 'event') -%}
    select distinct id, observed_at, source, event_id, cast(payload as varchar) as payload
    from {{ landed }}
    where observed_at <= {{ as_of() }} and (created is null or created <= {{ as_of() }})
    union all
    select
        {{ json_text('payload', '$.data.object.id') }} as id,
        created as observed_at,
        'event' as source,
        id as event_id,
        {{ json_part('payload', '$.data.object') }} as payload
    from (
        select id, created, min(payload) as payload
        from {{ events }}
        where observed_at <= {{ as_of() }} and created <= {{ as_of() }}
        group by id, created
    ) as event_log
    where
        {{ json_text('payload', '$.data.object.object') }} = '{{ object }}'
        and id not in (select event_id from {{ landed }} where event_id is not null)
{%- endmacro %}
