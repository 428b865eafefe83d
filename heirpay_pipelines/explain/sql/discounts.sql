-- The discounts of an item of an interval, in the order in which they reduce it. Those that last
-- are in the headline; those of one bill are not.
select
    steps.step,
    steps.discount_id,
    steps.percent_off,
    steps.amount_off,
    discounts.coupon_id,
    discounts.promotion_code_id,
    discounts.duration,
    discounts.starts_at,
    discounts.ends_at
from intermediate.int_discount_steps as steps
inner join intermediate.int_discounts as discounts on steps.discount_id = discounts.id
where
    steps.interval_id = $interval
    and steps.subscription_item_id = $item
    and steps.variant = 'every'
order by steps.step
