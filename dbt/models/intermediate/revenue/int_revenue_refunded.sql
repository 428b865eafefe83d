-- Refunds of invoice payments that no credit note explains take back what the invoice billed, in
-- proportion, without its tax. Rounded cumulatively, so that the lines add up to the refund.
with refunds as (
    select * from {{ ref('stg_refunds') }}
    where coalesce(status, 'succeeded') in ('succeeded', 'pending', 'requires_action')
),

credited as (
    select {{ explode_array('refund_ids') }} as refund_id from {{ ref('stg_credit_notes') }}
),

payments as (
    select * from {{ ref('int_invoice_charges') }}
),

linked as (
    select
        refunds.id as refund_id,
        refunds.created_at as booked_at,
        refunds.amount as refund_amount,
        min(payments.invoice_id) as invoice_id
    from refunds
    inner join payments on refunds.charge_id = payments.charge_id
    where
        refunds.id not in (
            select refund_id from credited
            where refund_id is not null
        )
    group by refunds.id, refunds.created_at, refunds.amount
),

invoices as (
    select id, total from {{ ref('stg_invoices') }}
    where total > 0
),

lines as (
    select * from {{ ref('int_revenue_invoiced') }}
    where document_type = 'invoice' and entry = 'booked'
),

shares as (
    select
        linked.refund_id,
        linked.booked_at,
        lines.* exclude (booked_at),
        invoices.total,
        linked.refund_amount,
        sum(lines.amount) over (
            partition by linked.refund_id order by lines.line_id
            rows between unbounded preceding and current row
        ) as running_amount
    from linked
    inner join invoices on linked.invoice_id = invoices.id
    inner join lines on linked.invoice_id = lines.document_id
),

rounded as (
    select
        *,
        {{ divide('cast(refund_amount as hugeint) * running_amount', 'total', 0, 0) }}
            as running_refund
    from shares
),

final as (
    select
        'booked' as entry,
        line_id,
        refund_id as document_id,
        'refund' as document_type,
        customer_id,
        country,
        subscription_id,
        product_id,
        kind,
        currency,
        cast(-(running_refund - coalesce(lag(running_refund) over (
            partition by refund_id order by line_id
        ), 0)) as bigint) as amount,
        booked_at,
        period_starts_at,
        period_ends_at
    from rounded
)

select * from final
