-- What a subscription consisted of in each state: licensed items with their price. Metered items
-- are no part of MRR and are published apart.
with observed_states as (
    select state_id, subscription_id, version_number, currency
    from {{ ref('int_subscription_observed_states') }}
),

observed_items as (
    select
        states.state_id,
        items.subscription_item_id,
        items.price_id,
        states.currency,
        items.quantity,
        -- The price as it was embedded then, where it is in the billing currency.
        case
            when items.price_currency = states.currency then items.unit_amount_decimal
        end as unit_amount_decimal
    from observed_states as states
    inner join {{ ref('stg_stripe__subscription_version_items') }} as items
        on
            states.subscription_id = items.subscription_id
            and states.version_number = items.version_number
),

estimated_items as (
    select
        states.state_id,
        items.subscription_item_id,
        items.price_id,
        states.currency,
        items.quantity,
        cast(null as decimal(38, 12)) as unit_amount_decimal
    from {{ ref('int_subscription_estimated_states') }} as states
    inner join {{ ref('int_subscription_estimated_items') }} as items
        on
            states.subscription_id = items.subscription_id
            and states.valid_from >= items.starts_at
            and states.valid_to <= items.ends_at
),

-- What a schedule plans is priced in the same way; a phase is a state that has not come yet.
planned_items as (
    select
        phase_id as state_id,
        subscription_item_id,
        price_id,
        currency,
        quantity,
        cast(null as decimal(38, 12)) as unit_amount_decimal
    from {{ ref('int_scheduled_items') }}
),

every_item as (
    select * from observed_items
    union all
    select * from estimated_items
    union all
    select * from planned_items
),

prices as (
    select * from {{ ref('int_prices') }}
),

amounts as (
    select * from {{ ref('int_price_amounts') }}
),

final as (
    select
        items.state_id,
        items.subscription_item_id,
        items.price_id,
        prices.product_id,
        items.currency,
        coalesce(items.quantity, 1) as quantity,
        prices.billing_scheme,
        prices.tiers_mode,
        prices.recurring_interval,
        prices.interval_count,
        prices.transform_divide_by,
        prices.transform_round,
        coalesce(amounts.tax_behavior, prices.tax_behavior) as tax_behavior,
        coalesce(items.unit_amount_decimal, amounts.unit_amount_decimal) as unit_amount_decimal
    from every_item as items
    left join prices on items.price_id = prices.price_id
    left join amounts
        on items.price_id = amounts.price_id and items.currency = amounts.currency
    where coalesce(prices.usage_type, 'licensed') = 'licensed'
)

select * from final
