-- What each metered item was billed for each full period, net of discounts and inclusive tax.
with lines as (
    select * from {{ ref('stg_stripe__invoice_lines') }}
    where subscription_item_id is not null and not is_proration
),

invoices as (
    select id, customer_id, finalized_at from {{ ref('stg_stripe__invoices') }}
    where status in ('open', 'paid', 'uncollectible')
),

prices as (
    select * from {{ ref('int_prices') }}
    where usage_type = 'metered'
),

billed as (
    select
        lines.subscription_id,
        lines.subscription_item_id,
        invoices.customer_id,
        lines.currency,
        lines.period_starts_at,
        lines.period_ends_at,
        prices.recurring_interval,
        prices.interval_count,
        min(invoices.finalized_at) as billed_at,
        sum(lines.amount - lines.discount_amount - lines.inclusive_tax_amount) as amount
    from lines
    inner join invoices on lines.invoice_id = invoices.id
    inner join prices on lines.price_id = prices.price_id
    group by all
),

with_year as (
    select
        *,
        case recurring_interval
            when 'year' then 1 when 'month' then 12 when 'week' then 52 when 'day' then 365
        end as periods_per_year,
        cast(0 as decimal(9, 6)) as inclusive_percentage,
        -- Shorter intervals are parts of a period. Adding months stops at a month's last day.
        case recurring_interval
            when 'year' then period_starts_at + interval_count * interval 1 year
            when 'month' then period_starts_at + interval_count * interval 1 month
            when 'week' then period_starts_at + interval_count * interval 7 day
            when 'day' then period_starts_at + interval_count * interval 1 day
        end as full_until
    from billed
),

final as (
    select
        subscription_id,
        subscription_item_id,
        customer_id,
        currency,
        period_starts_at,
        period_ends_at,
        billed_at,
        amount,
        {{ monthly('cast(amount as decimal(19, 0))') }} as monthly_amount
    from with_year
    where cast(period_ends_at as date) >= cast(full_until as date)
)

select * from final
