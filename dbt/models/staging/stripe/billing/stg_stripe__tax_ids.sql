with landed as (
    {{ newest('tax_id') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'type': 'varchar',
            'value': 'varchar',
            'country': 'varchar',
            'customer': 'json',
            'owner': {
                'customer': 'json',
                'type': 'varchar'
            },
            'verification': {
                'status': 'varchar'
            },
            'deleted': 'boolean'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        coalesce(
            {{ json_id('payload.owner.customer', '$') }},
            {{ json_id('payload.customer', '$') }}
        ) as customer_id,
        payload.owner.type as owner_type,
        payload.type as type,
        payload.value as value,
        upper(payload.country) as country,
        payload.verification.status as verification_status,
        coalesce(payload.deleted, false) as is_deleted
    from parsed
)

select * from final
