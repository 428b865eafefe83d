-- The order in which discounts reduce an interval: percentages before fixed amounts, those
-- of an item before those of the subscription, else in the order given. One step is one
-- discount, the same for all items of the interval. Two variants: `lasting` is the headline,
-- `every` takes the discounts of one bill too.
with intervals as (
    select interval_id, state_id, currency, starts_at
    from {{ ref('int_priced_intervals') }}
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
        intervals.interval_id,
        applications.subscription_item_id,
        applications.discount_id,
        applications.is_once,
        applications.level,
        applications.position,
        discounts.percent_off,
        case
            when discounts.percent_off is null
                then coalesce(
                    case when discounts.currency = intervals.currency then discounts.amount_off end,
                    try_cast({{ json_text(
                        map_value('discounts.currency_options', 'intervals.currency'), '$.amount_off'
                    ) }} as bigint)
                )
        end as amount_off
    from intervals
    inner join applications on intervals.state_id = applications.state_id
    inner join discounts on applications.discount_id = discounts.id
    where
        coalesce(applications.applies_from <= intervals.starts_at, true)
        and coalesce(applications.applies_to > intervals.starts_at, true)
),

variants as (
    select 'lasting' as variant, * from active
    where not is_once
    union all
    select 'every' as variant, * from active
),

per_discount as (
    select
        interval_id,
        variant,
        discount_id,
        min(level) as level,
        min(position) as position,
        max(percent_off) as percent_off,
        max(amount_off) as amount_off
    from variants
    group by interval_id, variant, discount_id
),

numbered as (
    select
        *,
        row_number() over (
            partition by interval_id, variant
            order by percent_off is null, level, position, discount_id
        ) as step
    from per_discount
),

final as (
    select
        numbered.interval_id,
        numbered.variant,
        numbered.step,
        variants.subscription_item_id,
        numbered.discount_id,
        numbered.percent_off,
        numbered.amount_off
    from numbered
    inner join variants
        on
            numbered.interval_id = variants.interval_id
            and numbered.variant = variants.variant
            and numbered.discount_id = variants.discount_id
    where numbered.percent_off is not null or numbered.amount_off is not null
)

select * from final
