-- Discounts of the items of phases to come: of the item, of the phase, or (where the phase has
-- none) the customer's own. A phase names a coupon or a promotion code that becomes a discount when
-- it begins (`planned_` and the coupon), or a discount that runs already; one that nobody can say
-- the terms of is not known.
with phases as (
    select phase_id, schedule_id, phase_number, customer_id
    from {{ ref('int_scheduled_phases') }}
),

items as (
    select phase_id, subscription_item_id, price_id, item_discounts
    from {{ ref('int_scheduled_items') }}
),

of_phases as (
    select
        schedule_id,
        phase_number,
        max(phase_coupon_id) as phase_coupon_id,
        max(phase_discounts) as phase_discounts
    from {{ ref('stg_stripe__subscription_schedule_phases') }}
    group by schedule_id, phase_number
),

lists as (
    select phase_id, subscription_item_id, 1 as level, item_discounts as discounts from items
    union all
    select
        phases.phase_id,
        cast(null as varchar) as subscription_item_id,
        2 as level,
        of_phases.phase_discounts as discounts
    from phases
    inner join of_phases
        on
            phases.schedule_id = of_phases.schedule_id
            and phases.phase_number = of_phases.phase_number
),

given as (
    select
        phase_id,
        subscription_item_id,
        level,
        position,
        {{ json_id('entry', '$.coupon') }} as coupon_id,
        {{ json_id('entry', '$.discount') }} as discount_id,
        {{ json_id('entry', '$.promotion_code') }} as promotion_code_id
    from (
        select phase_id, subscription_item_id, level, {{ explode_with_position('discounts') }}
        from lists
    ) as entries
    union all
    select
        phases.phase_id,
        cast(null as varchar) as subscription_item_id,
        2 as level,
        1 as position,
        of_phases.phase_coupon_id as coupon_id,
        cast(null as varchar) as discount_id,
        cast(null as varchar) as promotion_code_id
    from phases
    inner join of_phases
        on
            phases.schedule_id = of_phases.schedule_id
            and phases.phase_number = of_phases.phase_number
    where
        of_phases.phase_coupon_id is not null
        and coalesce(cast(of_phases.phase_discounts as varchar), '[]') = '[]'
),

own as (
    select
        given.phase_id,
        given.subscription_item_id,
        given.level,
        given.position,
        coalesce(
            given.discount_id, 'planned_' || coalesce(given.coupon_id, codes.coupon_id)
        ) as discount_id
    from given
    left join {{ ref('stg_stripe__promotion_codes') }} as codes
        on given.promotion_code_id = codes.id
),

of_customers as (
    select
        phases.phase_id,
        cast(null as varchar) as subscription_item_id,
        3 as level,
        1 as position,
        carried.discount_id
    from phases
    inner join {{ ref('stg_stripe__customer_discounts') }} as carried
        on phases.customer_id = carried.customer_id
    left join own on phases.phase_id = own.phase_id and own.level = 2
    where carried.removed_at is null and own.phase_id is null
),

every_discount as (
    select * from own
    union all
    select * from of_customers
),

prices as (
    select price_id, product_id from {{ ref('int_prices') }}
),

final as (
    select
        every_discount.phase_id,
        items.subscription_item_id,
        every_discount.discount_id,
        coalesce(discounts.duration = 'once', false) as is_once,
        discounts.duration is not null as is_known,
        min(every_discount.level) as level,
        min(every_discount.position) as position,
        discounts.ends_at
    from every_discount
    inner join items
        on
            every_discount.phase_id = items.phase_id
            and coalesce(every_discount.subscription_item_id, items.subscription_item_id)
            = items.subscription_item_id
    left join {{ ref('int_discounts') }} as discounts
        on every_discount.discount_id = discounts.id
    left join prices on items.price_id = prices.price_id
    where
        discounts.product_ids is null
        or array_contains(discounts.product_ids, prices.product_id)
    group by all
)

select * from final
