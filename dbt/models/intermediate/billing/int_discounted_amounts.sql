-- What the items of an interval are billed for one period after its discounts, step by step: a
-- percentage of what the step before left; a fixed amount spread over the items in proportion,
-- once per billing period, never below zero.
with recursive items as (
    select
        intervals.interval_id,
        items.subscription_item_id,
        {{ text_key(['items.recurring_interval', 'items.interval_count']) }} as billing_period,
        amounts.period_amount
    from {{ ref('int_priced_intervals') }} as intervals
    inner join {{ ref('int_subscription_state_items') }} as items
        on intervals.state_id = items.state_id
    inner join {{ ref('int_period_amounts') }} as amounts
        on
            items.price_id = amounts.price_id
            and items.currency = amounts.currency
            and items.quantity = amounts.quantity
            and items.unit_amount_decimal is not distinct from amounts.unit_amount_decimal
),

steps as (
    select * from {{ ref('int_discount_steps') }}
),

last_steps as (
    select interval_id, variant, max(step) as last_step
    from steps
    group by interval_id, variant
),

reduced as (
    select
        items.interval_id,
        last_steps.variant,
        last_steps.last_step,
        cast(0 as bigint) as step,
        items.subscription_item_id,
        items.billing_period,
        items.period_amount
    from items
    inner join last_steps on items.interval_id = last_steps.interval_id

    union all

    select
        before.interval_id,
        before.variant,
        before.last_step,
        before.step + 1 as step,
        before.subscription_item_id,
        before.billing_period,
        cast(
            case
                when before.discount_id is null then before.period_amount
                when before.percent_off is not null
                    then {{ divide(
                        'before.period_amount * cast(100 - before.percent_off as decimal(9, 6))',
                        100, 12, 18
                    ) }}
                when before.amount_off >= before.reducible then 0
                else
                    before.period_amount
                    - {{ share_of(
                        'before.period_amount', 'before.amount_off', 'before.reducible'
                    ) }}
            end as decimal(38, 12)
        ) as period_amount
    from (
        select
            reduced.*,
            steps.discount_id,
            steps.percent_off,
            steps.amount_off,
            sum(case when steps.discount_id is not null then reduced.period_amount end) over (
                partition by reduced.interval_id, reduced.variant, reduced.billing_period
            ) as reducible
        from reduced
        left join steps
            on
                reduced.interval_id = steps.interval_id
                and reduced.variant = steps.variant
                and reduced.subscription_item_id = steps.subscription_item_id
                and reduced.step + 1 = steps.step
        where reduced.step < reduced.last_step
    ) as before
),

final as (
    select interval_id, variant, subscription_item_id, period_amount
    from reduced
    where step = last_step
)

select * from final
