-- Which discount applied to which item of which state, and from when to when within it.
with states as (
    select state_id, valid_from, valid_to from {{ ref('int_subscription_states') }}
),

items as (
    select state_id, subscription_item_id, product_id from {{ ref('int_subscription_state_items') }}
),

discounts as (
    select * from {{ ref('int_discounts') }}
),

lasting_items as (
    select
        lasting.state_id,
        items.subscription_item_id,
        lasting.discount_id,
        lasting.level,
        lasting.position,
        false as is_once,
        discounts.starts_at as applies_from,
        least(discounts.ends_at, lasting.removed_at) as applies_to
    from {{ ref('int_carried_discounts') }} as lasting
    inner join discounts on lasting.discount_id = discounts.id
    inner join items
        on
            lasting.state_id = items.state_id
            and coalesce(lasting.subscription_item_id, items.subscription_item_id)
            = items.subscription_item_id
            and (
                discounts.product_ids is null
                or array_contains(discounts.product_ids, items.product_id)
            )
    where discounts.duration in ('forever', 'repeating')
),

-- A discount of one bill applies to the period that this bill is for.
once_items as (
    select
        states.state_id,
        items.subscription_item_id,
        line_discounts.discount_id,
        4 as level,
        1 as position,
        true as is_once,
        line_discounts.period_starts_at as applies_from,
        line_discounts.period_ends_at as applies_to
    from states
    inner join items on states.state_id = items.state_id
    inner join {{ ref('int_line_discounts') }} as line_discounts
        on
            items.subscription_item_id = line_discounts.subscription_item_id
            and line_discounts.period_starts_at
            < coalesce(states.valid_to, {{ as_of() }} + interval 1 second)
            and states.valid_from < line_discounts.period_ends_at
    inner join discounts on line_discounts.discount_id = discounts.id
    where discounts.duration = 'once'
),

planned_items as (
    select
        phase_id as state_id,
        subscription_item_id,
        discount_id,
        level,
        position,
        is_once,
        cast(null as timestamp) as applies_from,
        ends_at as applies_to
    from {{ ref('int_scheduled_discounts') }}
    where is_known
),

every_application as (
    select * from lasting_items
    union all
    select * from once_items
    union all
    select * from planned_items
),

final as (
    select
        applications.state_id,
        applications.subscription_item_id,
        applications.discount_id,
        applications.is_once,
        min(applications.level) as level,
        min(applications.position) as position,
        applications.applies_from,
        applications.applies_to
    from every_application as applications
    group by all
)

select * from final
