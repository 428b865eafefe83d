-- Tax in what customers paid and got back, by document and line, in minor units. What a credit note
-- took off an invoice before it was paid was never collected.
with invoice_taxes as (
    select * from {{ ref('int_invoice_taxes') }}
    where paid_at is not null and paid_at <= {{ as_of() }}
),

credit_taxes as (
    select * from {{ ref('int_credit_note_taxes') }}
    where issued_at <= {{ as_of() }}
),

credited_before as (
    select
        invoice_taxes.invoice_id,
        invoice_taxes.line_id,
        invoice_taxes.tax_number,
        sum(credit_taxes.amount) as amount
    from invoice_taxes
    inner join credit_taxes
        on
            invoice_taxes.invoice_id = credit_taxes.invoice_id
            and invoice_taxes.line_id = credit_taxes.invoice_line_id
            and invoice_taxes.tax_rate_id = credit_taxes.tax_rate_id
            and invoice_taxes.paid_at >= credit_taxes.issued_at
            and not credit_taxes.is_refund
            and (credit_taxes.voided_at is null or invoice_taxes.paid_at < credit_taxes.voided_at)
    group by invoice_taxes.invoice_id, invoice_taxes.line_id, invoice_taxes.tax_number
),

paid as (
    select
        'collected' as direction,
        invoice_taxes.invoice_id as document_id,
        invoice_taxes.line_id,
        invoice_taxes.tax_number,
        invoice_taxes.paid_at as occurred_at,
        invoice_taxes.customer_id,
        invoice_taxes.country,
        invoice_taxes.region,
        invoice_taxes.jurisdiction,
        invoice_taxes.jurisdiction_level,
        invoice_taxes.tax_type,
        invoice_taxes.currency,
        invoice_taxes.amount - coalesce(credited_before.amount, 0) as amount
    from invoice_taxes
    left join credited_before
        on
            invoice_taxes.invoice_id = credited_before.invoice_id
            and invoice_taxes.line_id = credited_before.line_id
            and invoice_taxes.tax_number = credited_before.tax_number
),

given_back as (
    select
        'refunded' as direction,
        credit_note_id as document_id,
        line_id,
        tax_number,
        issued_at as occurred_at,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        currency,
        amount
    from credit_taxes
    where is_refund and voided_at is null
),

one_off as (
    select
        case when amount < 0 then 'refunded' else 'collected' end as direction,
        document_id,
        line_id,
        tax_number,
        occurred_at,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        currency,
        abs(amount) as amount
    from {{ ref('int_tax_movements') }}
    where document_type in ('payment', 'refund')
),

together as (
    select * from paid
    union all
    select * from given_back
    union all
    select * from one_off
),

final as (
    select *, {{ reporting_date('occurred_at') }} as occurred_on from together
    where amount <> 0
)

select * from final
