-- The billed periods that a month's usage MRR is the mean of, with the invoice of each.
with periods as (
    select * from intermediate.int_usage_counted
    where month = $month and currency = $currency and subscription_item_id is not null
),

invoices as (
    select
        lines.subscription_item_id,
        lines.period_starts_at,
        lines.period_ends_at,
        string_agg(distinct lines.invoice_id, ', ' order by lines.invoice_id) as invoice_ids
    from staging.stg_stripe__invoice_lines as lines
    inner join periods
        on
            lines.subscription_item_id = periods.subscription_item_id
            and lines.period_starts_at = periods.period_starts_at
            and lines.period_ends_at = periods.period_ends_at
    group by all
)

select
    periods.customer_id,
    periods.subscription_id,
    periods.subscription_item_id,
    periods.period_starts_at::date as starts_on,
    periods.period_ends_at::date as ends_on,
    periods.amount,
    periods.monthly_amount,
    invoices.invoice_ids
from periods
left join invoices using (subscription_item_id, period_starts_at, period_ends_at)
order by customer_id, subscription_id, subscription_item_id, period_starts_at
