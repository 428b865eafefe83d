with versions as (
    select subscription_id, version_number, currency, items
    from {{ ref('stg_stripe__subscription_versions') }}
),

exploded as (
    select subscription_id, version_number, currency, {{ explode_array('items') }} as item
    from versions
),

-- The older shape embeds a plan where the newer embeds a price; both share the id.
final as (
    select
        subscription_id,
        version_number,
        item.id as subscription_item_id,
        coalesce(item.price.id, item.plan.id) as price_id,
        item.quantity as quantity,
        item.discounts as discounts,
        {{ epoch('item.created') }} as created_at,
        {{ epoch('item.current_period_start') }} as current_period_starts_at,
        {{ epoch('item.current_period_end') }} as current_period_ends_at,
        lower(coalesce(item.price.currency, item.plan.currency, currency)) as price_currency,
        coalesce(item.price.billing_scheme, item.plan.billing_scheme, 'per_unit') as billing_scheme,
        coalesce(
            item.price.unit_amount_decimal, item.price.unit_amount,
            item.plan.amount_decimal, item.plan.amount
        ) as unit_amount_decimal,
        coalesce(item.price.tiers_mode, item.plan.tiers_mode) as tiers_mode,
        coalesce(item.price.recurring.interval, item.plan.interval) as recurring_interval,
        coalesce(item.price.recurring.interval_count, item.plan.interval_count, 1)
            as interval_count,
        coalesce(item.price.recurring.usage_type, item.plan.usage_type, 'licensed') as usage_type,
        coalesce(item.price.recurring.meter, item.plan.meter) as meter_id,
        coalesce(
            item.price.transform_quantity.divide_by, item.plan.transform_usage.divide_by
        ) as transform_divide_by,
        coalesce(
            item.price.transform_quantity.round, item.plan.transform_usage.round
        ) as transform_round,
        coalesce(item.price.tax_behavior, 'unspecified') as tax_behavior
    from exploded
)

select * from final
