-- MRR of each item of each counted interval and planned phase, in minor units with 12 decimals, in
-- three variants. Multiplied first, divided once: 52 weeks or 365 days over 12 months lose nothing
-- on the way.
with intervals as (
    select * from {{ ref('int_priced_intervals') }}
),

items as (
    select * from {{ ref('int_subscription_state_items') }}
),

amounts as (
    select * from {{ ref('int_period_amounts') }}
),

discounted as (
    select * from {{ ref('int_discounted_amounts') }}
),

taxes as (
    select * from {{ ref('int_inclusive_tax') }}
),

periods as (
    select
        intervals.interval_id,
        intervals.subscription_id,
        items.subscription_item_id,
        items.price_id,
        items.quantity,
        items.recurring_interval,
        items.interval_count,
        amounts.period_amount as list_amount,
        coalesce(lasting.period_amount, amounts.period_amount) as lasting_amount,
        coalesce(every_one.period_amount, amounts.period_amount) as net_amount,
        coalesce(taxes.percentage, 0) as inclusive_percentage,
        case items.recurring_interval
            when 'year' then 1 when 'month' then 12 when 'week' then 52 when 'day' then 365
        end as periods_per_year
    from intervals
    inner join items on intervals.state_id = items.state_id
    left join amounts
        on
            items.price_id = amounts.price_id
            and items.currency = amounts.currency
            and items.quantity = amounts.quantity
            and items.unit_amount_decimal is not distinct from amounts.unit_amount_decimal
    left join discounted as lasting
        on
            intervals.interval_id = lasting.interval_id
            and items.subscription_item_id = lasting.subscription_item_id
            and lasting.variant = 'lasting'
    left join discounted as every_one
        on
            intervals.interval_id = every_one.interval_id
            and items.subscription_item_id = every_one.subscription_item_id
            and every_one.variant = 'every'
    left join taxes
        on
            intervals.interval_id = taxes.interval_id
            and items.subscription_item_id = taxes.subscription_item_id
),

final as (
    select
        interval_id,
        subscription_id,
        subscription_item_id,
        price_id,
        quantity,
        recurring_interval,
        interval_count,
        list_amount,
        lasting_amount,
        net_amount,
        inclusive_percentage,
        list_amount is not null and periods_per_year is not null as is_priced,
        coalesce({{ monthly('list_amount') }}, 0) as mrr_list,
        coalesce({{ monthly('lasting_amount') }}, 0) as mrr,
        coalesce({{ monthly('net_amount') }}, 0) as mrr_net_all
    from periods
)

select * from final
