with landed as (
    {{ newest('customer') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'deleted': 'boolean',
            'name': 'varchar',
            'email': 'varchar',
            'phone': 'varchar',
            'description': 'varchar',
            'address': {
                'city': 'varchar',
                'country': 'varchar',
                'line1': 'varchar',
                'line2': 'varchar',
                'postal_code': 'varchar',
                'state': 'varchar'
            },
            'shipping': {
                'address': {
                    'country': 'varchar',
                    'state': 'varchar'
                }
            },
            'balance': 'bigint',
            'currency': 'varchar',
            'delinquent': 'boolean',
            'tax_exempt': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        coalesce(payload.deleted, false) as is_deleted,
        payload.name as name,
        payload.email as email,
        payload.phone as phone,
        payload.description as description,
        payload.address.line1 as address_line1,
        payload.address.line2 as address_line2,
        payload.address.city as city,
        payload.address.postal_code as postal_code,
        payload.address.state as state,
        upper(coalesce(payload.address.country, payload.shipping.address.country)) as country,
        payload.balance as balance,
        lower(payload.currency) as currency,
        payload.delinquent as is_delinquent,
        payload.tax_exempt as tax_exempt
    from parsed
)

select * from final
