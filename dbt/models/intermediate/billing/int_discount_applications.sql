-- Which discount applied to which item of which state, and from when to when within it.
with states as (
    select state_id, subscription_id, customer_id, basis, valid_from, valid_to
    from {{ ref('int_subscription_states') }}
),

items as (
    select state_id, subscription_item_id, product_id from {{ ref('int_subscription_state_items') }}
),

observed_states as (
    select state_id, subscription_id, version_number
    from {{ ref('int_subscription_observed_states') }}
),

discounts as (
    select * from {{ ref('stg_discounts') }}
),

-- 1. Discounts of the whole subscription, in the order given.
on_subscription as (
    select
        state_id,
        cast(null as varchar) as subscription_item_id,
        {{ json_id('entry', '$') }} as discount_id,
        position,
        2 as level
    from (
        select
            observed_states.state_id,
            {{ explode_with_position('versions.discounts') }}
        from observed_states
        inner join {{ ref('stg_subscription_versions') }} as versions
            on
                observed_states.subscription_id = versions.subscription_id
                and observed_states.version_number = versions.version_number
    ) as entries
),

-- 2. Discounts of one item.
on_item as (
    select
        state_id,
        subscription_item_id,
        {{ json_id('entry', '$') }} as discount_id,
        position,
        1 as level
    from (
        select
            observed_states.state_id,
            items.subscription_item_id,
            {{ explode_with_position('items.discounts') }}
        from observed_states
        inner join {{ ref('stg_subscription_version_items') }} as items
            on
                observed_states.subscription_id = items.subscription_id
                and observed_states.version_number = items.version_number
    ) as entries
),

-- 3. The customer's own discount, where the subscription has none.
on_customer as (
    select
        states.state_id,
        cast(null as varchar) as subscription_item_id,
        carried.discount_id,
        1 as position,
        3 as level,
        carried.removed_at
    from states
    inner join {{ ref('stg_customer_discounts') }} as carried
        on states.customer_id = carried.customer_id
    left join on_subscription on states.state_id = on_subscription.state_id
    where states.basis = 'observed' and on_subscription.state_id is null
),

-- 4. For estimated states, what the invoice lines were reduced by.
line_discounts as (
    select distinct
        lines.subscription_id,
        lines.subscription_item_id,
        lines.period_starts_at,
        lines.period_ends_at,
        applied.discount_id
    from {{ ref('stg_invoice_line_discounts') }} as applied
    inner join {{ ref('stg_invoice_lines') }} as lines on applied.line_id = lines.id
    where lines.subscription_item_id is not null and applied.amount <> 0
),

on_line as (
    select
        states.state_id,
        line_discounts.subscription_item_id,
        line_discounts.discount_id,
        1 as position,
        1 as level
    from states
    inner join line_discounts
        on
            states.subscription_id = line_discounts.subscription_id
            and states.valid_from >= line_discounts.period_starts_at
            and states.valid_from < line_discounts.period_ends_at
    where states.basis = 'estimated'
),

lasting as (
    select
        state_id,
        subscription_item_id,
        discount_id,
        position,
        level,
        cast(null as timestamp) as removed_at
    from on_subscription
    union all
    select
        state_id,
        subscription_item_id,
        discount_id,
        position,
        level,
        cast(null as timestamp) as removed_at
    from on_item
    union all
    select state_id, subscription_item_id, discount_id, position, level, removed_at
    from on_customer
    union all
    select
        state_id,
        subscription_item_id,
        discount_id,
        position,
        level,
        cast(null as timestamp) as removed_at
    from on_line
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
    from lasting
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

-- 5. A discount of one bill applies to the period that this bill is for.
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
    inner join line_discounts
        on
            items.subscription_item_id = line_discounts.subscription_item_id
            and line_discounts.period_starts_at
            < coalesce(states.valid_to, {{ as_of() }} + interval 1 second)
            and states.valid_from < line_discounts.period_ends_at
    inner join discounts on line_discounts.discount_id = discounts.id
    where discounts.duration = 'once'
),

every_application as (
    select * from lasting_items
    union all
    select * from once_items
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
