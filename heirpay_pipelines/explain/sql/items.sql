-- The items of an interval with their price and with the tax that the price contains.
select
    worth.subscription_item_id,
    worth.price_id,
    items.product_id,
    products.name as product_name,
    items.currency,
    worth.quantity,
    worth.recurring_interval,
    worth.interval_count,
    items.billing_scheme,
    items.tiers_mode,
    items.transform_divide_by,
    items.transform_round,
    items.unit_amount_decimal,
    items.tax_behavior,
    worth.is_priced,
    worth.list_amount,
    worth.lasting_amount,
    worth.net_amount,
    worth.inclusive_percentage,
    worth.mrr_list,
    worth.mrr,
    worth.mrr_net_all
from intermediate.int_item_mrr as worth
inner join intermediate.int_subscription_intervals as intervals
    on worth.interval_id = intervals.interval_id
inner join intermediate.int_subscription_state_items as items
    on
        intervals.state_id = items.state_id
        and worth.subscription_item_id = items.subscription_item_id
left join staging.stg_stripe__products as products on items.product_id = products.id
where worth.interval_id = $interval
order by worth.mrr desc, worth.subscription_item_id
