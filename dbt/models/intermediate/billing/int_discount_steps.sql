-- The order in which discounts reduce a counted stretch: percentages before fixed amounts, those
-- of an item before those of the subscription, else in the order given. One step is one
-- discount, the same for all items of the stretch. Two variants: `lasting` is the headline,
-- `every` takes the discounts of one bill too.
with stretches as (
    select stretch_id, state_id, currency, starts_at
    from {{ ref('int_subscription_intervals') }}
    where is_counted
),

applications as (
    select * from {{ ref('int_discount_applications') }}
),

discounts as (
    select id, percent_off, amount_off, currency, currency_options
    from {{ ref('int_discounts') }}
),

active as (
    select
        stretches.stretch_id,
        applications.subscription_item_id,
        applications.discount_id,
        applications.is_once,
        applications.level,
        applications.position,
        discounts.percent_off,
        case
            when discounts.percent_off is null
                then coalesce(
                    case when discounts.currency = stretches.currency then discounts.amount_off end,
                    try_cast({{ json_text(
                        map_value('discounts.currency_options', 'stretches.currency'), '$.amount_off'
                    ) }} as bigint)
                )
        end as amount_off
    from stretches
    inner join applications on stretches.state_id = applications.state_id
    inner join discounts on applications.discount_id = discounts.id
    where
        coalesce(applications.applies_from <= stretches.starts_at, true)
        and coalesce(applications.applies_to > stretches.starts_at, true)
),

variants as (
    select 'lasting' as variant, * from active
    where not is_once
    union all
    select 'every' as variant, * from active
),

per_discount as (
    select
        stretch_id,
        variant,
        discount_id,
        min(level) as level,
        min(position) as position,
        max(percent_off) as percent_off,
        max(amount_off) as amount_off
    from variants
    group by stretch_id, variant, discount_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by stretch_id, variant
            order by percent_off is null, level, position, discount_id
        ) as step
    from per_discount
),

final as (
    select
        numbered.stretch_id,
        numbered.variant,
        numbered.step,
        variants.subscription_item_id,
        numbered.discount_id,
        numbered.percent_off,
        numbered.amount_off
    from numbered
    inner join variants
        on
            numbered.stretch_id = variants.stretch_id
            and numbered.variant = variants.variant
            and numbered.discount_id = variants.discount_id
    where numbered.percent_off is not null or numbered.amount_off is not null
)

select * from final
