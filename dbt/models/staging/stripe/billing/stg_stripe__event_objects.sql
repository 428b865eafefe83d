-- Objects as events carried them, where the history is read: the log's payloads are opened once.
-- Of a customer only the discount is kept; of a subscription also what it was before. What is
-- quarantined for its currency is not here either.
with landed as (
    {{ newest('event') }}
),

opened as (
    select
        id as event_id,
        created as observed_at,
        {{ parse_json('payload', {
            'data': {'object': {
                'id': 'varchar', 'object': 'varchar', 'currency': 'varchar', 'discount': 'json'
            }}
        }) }} as parsed,
        payload
    from landed
),

wanted as (
    select
        event_id,
        observed_at,
        parsed.data.object.object as object_type,
        parsed.data.object.id as object_id,
        case
            when parsed.data.object.object = 'customer' then parsed.data.object.discount
            else {{ json_part('payload', '$.data.object') }}
        end as payload,
        case
            when parsed.data.object.object = 'subscription'
                then {{ json_part('payload', '$.data.previous_attributes') }}
        end as previous_attributes
    from opened
    where
        parsed.data.object.object in ('customer', 'discount')
        or (
            parsed.data.object.object = 'subscription'
            and (
                parsed.data.object.currency is null
                or lower(parsed.data.object.currency) in (
                    select currency from {{ ref('currencies') }}
                )
            )
        )
),

final as (
    select
        event_id,
        observed_at,
        object_type,
        object_id,
        cast(payload as varchar) as payload,
        previous_attributes
    from wanted
)

select * from final
