-- title: How live subscriptions are priced
-- asset: staging/stg_stripe__prices
-- rows: select billing_scheme, usage_type, count(*) from staging.stg_stripe__prices group by all

select
    count(distinct intervals.subscription_id) filter (
        where prices.billing_scheme = 'per_unit' and prices.usage_type = 'licensed'
    ) as simple_subscriptions,
    count(distinct intervals.subscription_id) filter (
        where prices.billing_scheme = 'tiered'
    ) as tiered_subscriptions,
    count(distinct intervals.subscription_id) filter (
        where prices.usage_type = 'metered'
    ) as usage_subscriptions
from intermediate.int_item_mrr as items
inner join intermediate.int_subscription_intervals as intervals
    on items.interval_id = intervals.interval_id
inner join staging.stg_stripe__prices as prices on items.price_id = prices.id
where intervals.ends_at is null
