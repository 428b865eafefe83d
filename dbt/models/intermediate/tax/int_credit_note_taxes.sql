-- Tax of each credit-note line and rate, positive, with the invoice line that it takes back.
with taxes as (
    select * from {{ ref('stg_credit_note_line_taxes') }}
),

lines as (
    select id, credit_note_id, invoice_line_id from {{ ref('stg_credit_note_lines') }}
),

notes as (
    select * from {{ ref('stg_credit_notes') }}
),

invoices as (
    select id, finalized_at, customer_country, customer_state, paid_at
    from {{ ref('stg_invoices') }}
),

rates as (
    select * from {{ ref('stg_tax_rates') }}
),

final as (
    select
        taxes.credit_note_id,
        taxes.line_id,
        taxes.tax_number,
        taxes.tax_rate_id,
        notes.invoice_id,
        lines.invoice_line_id,
        notes.customer_id,
        coalesce(rates.country, invoices.customer_country) as country,
        coalesce(rates.state, case when rates.country is null then invoices.customer_state end)
            as region,
        rates.jurisdiction,
        rates.jurisdiction_level,
        rates.tax_type,
        cast(rates.percentage as decimal(18, 6)) as rate,
        taxes.taxability_reason,
        taxes.is_inclusive,
        taxes.currency,
        abs(taxes.taxable_amount) as taxable_amount,
        abs(taxes.amount) as amount,
        invoices.finalized_at as supplied_at,
        notes.created_at as issued_at,
        notes.voided_at,
        notes.type = 'post_payment' or coalesce(notes.post_payment_amount, 0) > 0 as is_refund
    from taxes
    inner join notes on taxes.credit_note_id = notes.id
    left join lines
        on taxes.line_id = lines.id and taxes.credit_note_id = lines.credit_note_id
    left join invoices on notes.invoice_id = invoices.id
    left join rates on taxes.tax_rate_id = rates.id
)

select * from final
