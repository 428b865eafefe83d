-- The tax that an item's price contains, in percent: as the latest invoice of that price up to a
-- interval applied it, else (before the first invoice) as its first did. The invoice decides: a
-- rate made by hand or the account's default can make a price inclusive that does not say so.
with intervals as (
    select interval_id, state_id, starts_at from {{ ref('int_priced_intervals') }}
),

taxed_items as (
    select distinct subscription_item_id from {{ ref('stg_stripe__invoice_lines') }}
    where inclusive_tax_amount <> 0
),

items as (
    select items.state_id, items.subscription_item_id, items.price_id
    from {{ ref('int_subscription_state_items') }} as items
    inner join taxed_items on items.subscription_item_id = taxed_items.subscription_item_id
),

lines as (
    select lines.id, lines.subscription_item_id, lines.price_id, lines.period_starts_at
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join taxed_items on lines.subscription_item_id = taxed_items.subscription_item_id
),

-- What is taxed is decided by int_line_taxes alone.
taxed as (
    select line_id, sum(percentage_of_net) as percentage
    from {{ ref('int_line_taxes') }}
    where is_inclusive
    group by line_id
),

candidates as (
    select
        intervals.interval_id,
        items.subscription_item_id,
        lines.id as line_id,
        coalesce(taxed.percentage, 0) as percentage,
        row_number() over (
            partition by intervals.interval_id, items.subscription_item_id
            order by
                coalesce(lines.price_id = items.price_id, false) desc,
                lines.period_starts_at <= intervals.starts_at desc,
                case
                    when lines.period_starts_at <= intervals.starts_at then lines.period_starts_at
                end desc,
                lines.period_starts_at asc,
                lines.id asc
        ) as preference
    from intervals
    inner join items on intervals.state_id = items.state_id
    inner join lines on items.subscription_item_id = lines.subscription_item_id
    left join taxed on lines.id = taxed.line_id
),

final as (
    select interval_id, subscription_item_id, percentage, line_id from candidates
    where preference = 1
)

select * from final
