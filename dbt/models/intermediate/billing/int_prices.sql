-- Recurring prices by id: as landed, else as a subscription item carried them (a price that was
-- deleted, or made for one customer, is in no list).
with landed as (
    select * from {{ ref('stg_stripe__prices') }}
),

embedded as (
    select
        price_id,
        max(price_currency) as currency,
        max(billing_scheme) as billing_scheme,
        max(tiers_mode) as tiers_mode,
        max(recurring_interval) as recurring_interval,
        max(interval_count) as interval_count,
        max(usage_type) as usage_type,
        max(transform_divide_by) as transform_divide_by,
        max(transform_round) as transform_round,
        max(tax_behavior) as tax_behavior
    from {{ ref('stg_stripe__subscription_version_items') }}
    where price_id not in (select id from landed)
    group by price_id
),

final as (
    select
        id as price_id,
        product_id,
        currency,
        billing_scheme,
        tiers_mode,
        recurring_interval,
        interval_count,
        usage_type,
        transform_divide_by,
        transform_round,
        tax_behavior
    from landed
    union all
    select
        price_id,
        null as product_id,
        currency,
        billing_scheme,
        tiers_mode,
        recurring_interval,
        interval_count,
        usage_type,
        transform_divide_by,
        transform_round,
        tax_behavior
    from embedded
)

select * from final
