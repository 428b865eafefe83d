-- What an item was billed for a time that touches the month.
select
    lines.id as line_id,
    lines.invoice_id,
    invoices.number,
    invoices.status,
    lines.price_id,
    lines.quantity,
    lines.currency,
    lines.amount,
    lines.discount_amount,
    lines.inclusive_tax_amount,
    lines.is_proration,
    cast(lines.period_starts_at as date) as period_starts_on,
    cast(lines.period_ends_at as date) as period_ends_on
from staging.stg_stripe__invoice_lines as lines
inner join staging.stg_stripe__invoices as invoices on lines.invoice_id = invoices.id
where
    lines.subscription_item_id = $item
    and cast(lines.period_starts_at as date) <= $as_of_date
    and lines.period_ends_at > $month
order by lines.period_starts_at, lines.id
