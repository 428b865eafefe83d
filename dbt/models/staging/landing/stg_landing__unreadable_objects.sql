-- What other objects name and Stripe does not give: gone, not for this key, or changed after the
-- instant with no version of then. Written by the pull.
with landed as (
    {{ newest('unreadable_object') }}
),

parsed as (
    select
        id,
        observed_at,
        {{ parse_json('payload', {
            'object_name': 'varchar',
            'object_id': 'varchar',
            'named_by': 'varchar',
            'status': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        payload.object_name as object_type,
        payload.object_id as object_id,
        payload.named_by as named_by_id,
        payload.status as status,
        observed_at
    from parsed
)

select * from final
