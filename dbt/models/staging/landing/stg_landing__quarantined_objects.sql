-- What Stripe answered, or a file held, and was not landed: put aside with the reason until
-- `heirpay quarantine retry` lands it. Written by the land step.
with landed as (
    {{ newest('quarantine') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'reason': 'varchar', 'raw': 'varchar', 'resolved': 'boolean'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        {{ json_text('payload.raw', '$.object') }} as object_type,
        {{ json_text('payload.raw', '$.id') }} as object_id,
        payload.reason as reason
    from parsed
    where not coalesce(payload.resolved, false)
)

select * from final
