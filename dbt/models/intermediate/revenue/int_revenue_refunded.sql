-- What takes back a part of an invoice without saying of which lines: refunds that no credit note
-- explains, and credit notes' own amounts. They take back what the invoice billed, in proportion
-- to its lines; a refund also paid back their tax. Rounded cumulatively, so that the lines add up.
with lines as (
    select * from {{ ref('int_revenue_invoiced') }}
    where document_type = 'invoice' and entry = 'booked'
),

notes as (
    select id, invoice_id, created_at, voided_at, refund_ids
    from {{ ref('stg_stripe__credit_notes') }}
),

credited as (
    select {{ explode_array('refund_ids') }} as refund_id from notes
),

refunds as (
    select * from {{ ref('int_refunds') }}
    where
        is_standing and not is_release
        and id not in (
            select refund_id from credited
            where refund_id is not null
        )
),

refunded as (
    select
        refunds.id as document_id,
        refunds.created_at as booked_at,
        refunds.amount,
        min(payments.invoice_id) as invoice_id
    from refunds
    inner join {{ ref('int_invoice_charges') }} as payments
        on refunds.charge_id = payments.charge_id
    group by refunds.id, refunds.created_at, refunds.amount
),

own_amounts as (
    select
        credit_note_id,
        sum(amount - discount_amount - inclusive_tax_amount) as amount
    from {{ ref('stg_stripe__credit_note_lines') }}
    where invoice_line_id is null
    group by credit_note_id
),

billed as (
    select document_id as invoice_id, sum(amount) as amount
    from lines
    where
        document_id in (
            select notes.invoice_id from notes
            inner join own_amounts on notes.id = own_amounts.credit_note_id
        )
    group by document_id
),

-- `whole` is what of the invoice the amount is a part of.
reversals as (
    select
        'booked' as entry,
        refunded.document_id,
        'refund' as document_type,
        refunded.booked_at,
        refunded.invoice_id,
        refunded.amount,
        invoices.total as whole
    from refunded
    inner join {{ ref('stg_stripe__invoices') }} as invoices on refunded.invoice_id = invoices.id
    union all
    select
        'booked',
        notes.id,
        'credit_note',
        notes.created_at,
        notes.invoice_id,
        own_amounts.amount,
        billed.amount as whole
    from own_amounts
    inner join notes on own_amounts.credit_note_id = notes.id
    inner join billed on notes.invoice_id = billed.invoice_id
    union all
    select
        'voided',
        notes.id,
        'credit_note',
        notes.voided_at,
        notes.invoice_id,
        -own_amounts.amount as amount,
        billed.amount as whole
    from own_amounts
    inner join notes on own_amounts.credit_note_id = notes.id
    inner join billed on notes.invoice_id = billed.invoice_id
    where notes.voided_at <= {{ as_of() }}
),

shares as (
    select
        reversals.entry,
        reversals.document_id,
        reversals.document_type,
        reversals.booked_at,
        reversals.amount as reversed_amount,
        reversals.whole,
        lines.line_id,
        lines.customer_id,
        lines.country,
        lines.subscription_id,
        lines.product_id,
        lines.kind,
        lines.currency,
        lines.period_starts_at,
        lines.period_ends_at,
        sum(lines.amount) over (
            partition by reversals.document_id, reversals.entry order by lines.line_id
            rows between unbounded preceding and current row
        ) as running_amount
    from reversals
    inner join lines on reversals.invoice_id = lines.document_id
    where reversals.whole > 0
),

rounded as (
    select
        *,
        {{ divide('cast(reversed_amount as hugeint) * running_amount', 'whole', 0, 0) }}
            as running_reversal
    from shares
),

final as (
    select
        entry,
        line_id,
        document_id,
        document_type,
        customer_id,
        country,
        subscription_id,
        product_id,
        kind,
        currency,
        cast(-(running_reversal - coalesce(lag(running_reversal) over (
            partition by document_id, entry order by line_id
        ), 0)) as bigint) as amount,
        booked_at,
        period_starts_at,
        period_ends_at
    from rounded
)

select * from final
