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
    select * from credit_taxes
    where
        not is_refund
        and issued_at <= invoice_paid_at
        and invoice_paid_at <= {{ as_of() }}
        and (voided_at is null or invoice_paid_at < voided_at)
),

credited_of_line as (
    {{ credited_of_line('credited_before', ['amount']) }}
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
        invoice_taxes.amount - coalesce(credited_of_line.amount, 0) as amount
    from invoice_taxes
    left join credited_of_line
        on
            invoice_taxes.invoice_id = credited_of_line.invoice_id
            and invoice_taxes.line_id = credited_of_line.line_id
            and invoice_taxes.tax_number = credited_of_line.tax_number
    union all
    -- A note that names no tax of the invoice counts against it as a line of its own.
    select
        'collected' as direction,
        invoice_id as document_id,
        line_id,
        tax_number,
        invoice_paid_at as occurred_at,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        currency,
        -amount as amount
    from credited_before
    where invoice_tax_number is null
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
