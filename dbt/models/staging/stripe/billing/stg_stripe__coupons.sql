with landed as (
    {{ newest('coupon') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'name': 'varchar',
            'percent_off': 'decimal(9, 6)',
            'amount_off': 'bigint',
            'currency': 'varchar',
            'duration': 'varchar',
            'duration_in_months': 'bigint',
            'valid': 'boolean',
            'times_redeemed': 'bigint',
            'applies_to': {
                'products': ['varchar']
            },
            'currency_options': 'map(varchar, json)',
            'deleted': 'boolean'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.name as name,
        payload.percent_off as percent_off,
        payload.amount_off as amount_off,
        lower(payload.currency) as currency,
        payload.duration as duration,
        payload.duration_in_months as duration_in_months,
        payload.applies_to.products as product_ids,
        payload.currency_options as currency_options,
        payload.valid as is_valid,
        payload.times_redeemed as times_redeemed,
        coalesce(payload.deleted, false) as is_deleted
    from parsed
)

select * from final
