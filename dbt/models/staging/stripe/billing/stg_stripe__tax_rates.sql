with landed as (
    {{ newest('tax_rate') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'display_name': 'varchar',
            'percentage': 'decimal(9, 6)',
            'effective_percentage': 'decimal(9, 6)',
            'inclusive': 'boolean',
            'country': 'varchar',
            'state': 'varchar',
            'jurisdiction': 'varchar',
            'jurisdiction_level': 'varchar',
            'tax_type': 'varchar',
            'rate_type': 'varchar',
            'active': 'boolean'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.display_name as display_name,
        payload.percentage as percentage,
        coalesce(payload.effective_percentage, payload.percentage) as effective_percentage,
        payload.inclusive as is_inclusive,
        upper(payload.country) as country,
        payload.state as state,
        payload.jurisdiction as jurisdiction,
        payload.jurisdiction_level as jurisdiction_level,
        payload.tax_type as tax_type,
        payload.rate_type as rate_type,
        payload.active as is_active
    from parsed
)

select * from final
