with landed as (
    {{ newest('product') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'name': 'varchar',
            'active': 'boolean',
            'description': 'varchar',
            'type': 'varchar',
            'tax_code': 'json',
            'statement_descriptor': 'varchar',
            'unit_label': 'varchar',
            'deleted': 'boolean'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.name as name,
        payload.active as is_active,
        payload.type as type,
        {{ json_id('payload.tax_code', '$') }} as tax_code,
        payload.unit_label as unit_label,
        coalesce(payload.deleted, false) as is_deleted
    from parsed
)

select * from final
