-- Which discounts each state carried, in the order given, known or not: a coupon that was deleted
-- before the first pull leaves a discount of which nobody can say what it took off.
with states as (
    select state_id, subscription_id, customer_id, currency, basis, valid_from
    from {{ ref('int_subscription_states') }}
),

observed_states as (
    select state_id, subscription_id, version_number
    from {{ ref('int_subscription_observed_states') }}
),

discounts as (
    select id, duration, percent_off, amount_off, currency, currency_options
    from {{ ref('stg_discounts') }}
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

carried as (
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

final as (
    select
        carried.state_id,
        carried.subscription_item_id,
        carried.discount_id,
        carried.position,
        carried.level,
        carried.removed_at,
        coalesce(
            discounts.duration is not null
            and (
                discounts.percent_off is not null
                or (discounts.amount_off is not null and discounts.currency = states.currency)
                or {{ map_value('discounts.currency_options', 'states.currency') }} is not null
            ),
            false
        ) as is_known
    from carried
    inner join states on carried.state_id = states.state_id
    left join discounts on carried.discount_id = discounts.id
)

select * from final
