-- A plan is the older shape of a recurring price and shares its id.
with landed as (
    {{ newest('price') }}
),

landed_plans as (
    {{ newest('plan') }}
),

prices as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'product': 'json',
            'active': 'boolean',
            'currency': 'varchar',
            'nickname': 'varchar',
            'lookup_key': 'varchar',
            'type': 'varchar',
            'billing_scheme': 'varchar',
            'unit_amount': 'decimal(38, 12)',
            'unit_amount_decimal': 'decimal(38, 12)',
            'tiers_mode': 'varchar',
            'tax_behavior': 'varchar',
            'recurring': {
                'interval': 'varchar',
                'interval_count': 'bigint',
                'usage_type': 'varchar',
                'meter': 'varchar'
            },
            'transform_quantity': {
                'divide_by': 'bigint',
                'round': 'varchar'
            },
            'deleted': 'boolean'
        }) }} as payload
    from landed
),

plans as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'product': 'json',
            'active': 'boolean',
            'currency': 'varchar',
            'nickname': 'varchar',
            'billing_scheme': 'varchar',
            'amount': 'decimal(38, 12)',
            'amount_decimal': 'decimal(38, 12)',
            'tiers_mode': 'varchar',
            'interval': 'varchar',
            'interval_count': 'bigint',
            'usage_type': 'varchar',
            'meter': 'varchar',
            'transform_usage': {
                'divide_by': 'bigint',
                'round': 'varchar'
            },
            'deleted': 'boolean'
        }) }} as payload
    from landed_plans
    where id not in (select id from landed)
),

final as (
    select
        id,
        created_at,
        {{ json_id('payload.product', '$') }} as product_id,
        lower(payload.currency) as currency,
        payload.type as type,
        coalesce(payload.billing_scheme, 'per_unit') as billing_scheme,
        coalesce(payload.unit_amount_decimal, payload.unit_amount) as unit_amount_decimal,
        payload.tiers_mode as tiers_mode,
        payload.recurring.interval as recurring_interval,
        coalesce(payload.recurring.interval_count, 1) as interval_count,
        coalesce(payload.recurring.usage_type, 'licensed') as usage_type,
        payload.recurring.meter as meter_id,
        payload.transform_quantity.divide_by as transform_divide_by,
        payload.transform_quantity.round as transform_round,
        coalesce(payload.tax_behavior, 'unspecified') as tax_behavior,
        payload.nickname as nickname,
        payload.lookup_key as lookup_key,
        payload.active as is_active,
        coalesce(payload.deleted, false) as is_deleted
    from prices
    union all
    select
        id,
        created_at,
        {{ json_id('payload.product', '$') }} as product_id,
        lower(payload.currency) as currency,
        'recurring' as type,
        coalesce(payload.billing_scheme, 'per_unit') as billing_scheme,
        coalesce(payload.amount_decimal, payload.amount) as unit_amount_decimal,
        payload.tiers_mode as tiers_mode,
        payload.interval as recurring_interval,
        coalesce(payload.interval_count, 1) as interval_count,
        coalesce(payload.usage_type, 'licensed') as usage_type,
        payload.meter as meter_id,
        payload.transform_usage.divide_by as transform_divide_by,
        payload.transform_usage.round as transform_round,
        'unspecified' as tax_behavior,
        payload.nickname as nickname,
        null as lookup_key,
        payload.active as is_active,
        coalesce(payload.deleted, false) as is_deleted
    from plans
)

select * from final
