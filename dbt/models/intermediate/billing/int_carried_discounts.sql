-- Which discounts each state carried, in the order given, known or not: a coupon that was deleted
-- before the first pull leaves a discount of which nobody can say what it took off.
with states as (
    select state_id, subscription_id, customer_id, currency, basis, valid_from, valid_to
    from {{ ref('int_subscription_states') }}
),

observed_states as (
    select state_id, subscription_id, version_number
    from {{ ref('int_subscription_observed_states') }}
),

discounts as (
    select id, duration, percent_off, amount_off, currency, currency_options
    from {{ ref('int_discounts') }}
),

-- 1. Discounts of one item, and of the whole subscription.
observed_lists as (
    select
        observed_states.state_id,
        items.subscription_item_id,
        1 as level,
        items.discounts
    from observed_states
    inner join {{ ref('stg_stripe__subscription_version_items') }} as items
        on
            observed_states.subscription_id = items.subscription_id
            and observed_states.version_number = items.version_number
    union all
    select
        observed_states.state_id,
        cast(null as varchar) as subscription_item_id,
        2 as level,
        versions.discounts
    from observed_states
    inner join {{ ref('stg_stripe__subscription_versions') }} as versions
        on
            observed_states.subscription_id = versions.subscription_id
            and observed_states.version_number = versions.version_number
),

on_subscription as (
    select
        state_id,
        subscription_item_id,
        {{ json_id('entry', '$') }} as discount_id,
        position,
        level,
        cast(null as timestamp) as removed_at
    from (
        select
            state_id,
            subscription_item_id,
            level,
            {{ explode_with_position('discounts') }}
        from observed_lists
    ) as entries
),

-- 2. The customer's own discount, where the subscription has none.
on_customer as (
    select
        states.state_id,
        cast(null as varchar) as subscription_item_id,
        carried.discount_id,
        1 as position,
        3 as level,
        carried.removed_at
    from states
    inner join {{ ref('stg_stripe__customer_discounts') }} as carried
        on states.customer_id = carried.customer_id
    left join on_subscription
        on states.state_id = on_subscription.state_id and on_subscription.level = 2
    where states.basis = 'observed' and on_subscription.state_id is null
),

-- 3. What invoice lines were reduced by: all of it for estimated states; for observed ones what the
-- lines of one bill alone tell, discounts of duration `once`, or of one that nobody knows.
line_discounts as (
    select
        applied.subscription_id,
        applied.subscription_item_id,
        applied.discount_id,
        applied.period_starts_at,
        applied.period_ends_at,
        coalesce(discounts.duration, 'once') = 'once' as is_of_one_bill
    from {{ ref('int_line_discounts') }} as applied
    left join discounts on applied.discount_id = discounts.id
),

on_line as (
    {%- for basis, level, condition in [
        ('estimated', 1, 'states.valid_from >= applied.period_starts_at'),
        (
            'observed',
            4,
            'applied.is_of_one_bill and applied.period_starts_at < '
            ~ 'coalesce(states.valid_to, ' ~ as_of() ~ ' + interval 1 second)'
        ),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        states.state_id,
        applied.subscription_item_id,
        applied.discount_id,
        1 as position,
        {{ level }} as level,
        cast(null as timestamp) as removed_at
    from states
    inner join line_discounts as applied
        on
            states.subscription_id = applied.subscription_id
            and states.valid_from < applied.period_ends_at
    where states.basis = '{{ basis }}' and {{ condition }}
    {%- endfor %}
),

carried as (
    select * from on_subscription
    union all
    select * from on_customer
    union all
    select * from on_line
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
