-- A price's unit amount by currency: as landed, else as a subscription item carried it.
with landed as (
    select price_id, currency, unit_amount_decimal, tax_behavior
    from {{ ref('stg_stripe__price_amounts') }}
),

embedded as (
    select
        items.price_id,
        items.price_currency as currency,
        max(items.unit_amount_decimal) as unit_amount_decimal,
        max(items.tax_behavior) as tax_behavior
    from {{ ref('stg_stripe__subscription_version_items') }} as items
    left join landed
        on items.price_id = landed.price_id and items.price_currency = landed.currency
    where landed.price_id is null and items.price_id is not null
    group by items.price_id, items.price_currency
),

final as (
    select price_id, currency, unit_amount_decimal, tax_behavior from landed
    union all
    select price_id, currency, unit_amount_decimal, tax_behavior from embedded
)

select * from final
