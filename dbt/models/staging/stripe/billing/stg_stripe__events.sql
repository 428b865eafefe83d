with landed as (
    {{ newest('event') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'type': 'varchar',
            'api_version': 'varchar',
            'data': {
                'object': {
                    'id': 'varchar',
                    'object': 'varchar'
                },
                'previous_attributes': 'json'
            },
            'request': {
                'id': 'varchar',
                'idempotency_key': 'varchar'
            }
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.type as type,
        payload.api_version as api_version,
        payload.data.object.id as object_id,
        payload.data.object.object as object_type,
        payload.request.id as request_id
    from parsed
)

select * from final
