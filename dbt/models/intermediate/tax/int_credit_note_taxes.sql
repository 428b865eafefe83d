-- Tax of each credit-note line and rate, positive, with the invoice tax that it takes back, and
-- when that invoice was paid or given up. A line of the note alone, or of another rate, names none.
with taxes as (
    {%- for model, line_id in [
        ('stg_stripe__credit_note_line_taxes', 'line_id'),
        ('stg_stripe__credit_note_shipping_taxes', "'shipping' as line_id"),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        credit_note_id,
        {{ line_id }},
        tax_number,
        tax_rate_id,
        is_inclusive,
        taxability_reason,
        currency,
        taxable_amount,
        amount
    from {{ ref(model) }}
    {%- endfor %}
),

lines as (
    select id, credit_note_id, invoice_line_id from {{ ref('stg_stripe__credit_note_lines') }}
    union all
    select distinct
        'shipping' as id, credit_note_id, 'shipping' as invoice_line_id
    from {{ ref('stg_stripe__credit_note_shipping_taxes') }}
),

notes as (
    select * from {{ ref('stg_stripe__credit_notes') }}
),

invoices as (
    select
        id,
        finalized_at,
        customer_country,
        customer_state,
        customer_tax_exempt,
        paid_at,
        marked_uncollectible_at,
        voided_at
    from {{ ref('stg_stripe__invoices') }}
),

invoice_taxes as (
    select invoice_id, line_id, tax_rate_id, min(tax_number) as tax_number
    from {{ ref('int_invoice_taxes') }}
    group by invoice_id, line_id, tax_rate_id
),

rates as (
    select * from {{ ref('stg_stripe__tax_rates') }}
),

joined as (
    select
        taxes.credit_note_id,
        taxes.line_id,
        taxes.tax_number,
        taxes.tax_rate_id,
        notes.invoice_id,
        invoice_taxes.line_id as invoice_line_id,
        invoice_taxes.tax_number as invoice_tax_number,
        notes.customer_id,
        coalesce(rates.country, invoices.customer_country) as country,
        coalesce(rates.state, case when rates.country is null then invoices.customer_state end)
            as region,
        rates.jurisdiction,
        rates.jurisdiction_level,
        rates.tax_type,
        cast(rates.percentage as decimal(18, 6)) as rate,
        taxes.taxability_reason as stated_reason,
        invoices.customer_tax_exempt,
        taxes.is_inclusive,
        taxes.currency,
        abs(taxes.taxable_amount) as taxable_amount,
        abs(taxes.amount) as amount,
        invoices.finalized_at as supplied_at,
        notes.created_at as issued_at,
        notes.voided_at,
        invoices.paid_at as invoice_paid_at,
        invoices.marked_uncollectible_at as invoice_uncollectible_at,
        invoices.voided_at as invoice_voided_at,
        notes.type = 'post_payment' or coalesce(notes.post_payment_amount, 0) > 0 as is_refund
    from taxes
    inner join notes on taxes.credit_note_id = notes.id
    left join lines
        on taxes.line_id = lines.id and taxes.credit_note_id = lines.credit_note_id
    left join invoices on notes.invoice_id = invoices.id
    left join invoice_taxes
        on
            notes.invoice_id = invoice_taxes.invoice_id
            and lines.invoice_line_id = invoice_taxes.line_id
            and taxes.tax_rate_id = invoice_taxes.tax_rate_id
    left join rates on taxes.tax_rate_id = rates.id
),

decided as (
    select
        *,
        {{ is_taxed('amount', 'rate', 'taxable_amount', 'stated_reason', 'customer_tax_exempt') }}
            as is_taxed
    from joined
),

final as (
    select
        credit_note_id,
        line_id,
        tax_number,
        tax_rate_id,
        invoice_id,
        invoice_line_id,
        invoice_tax_number,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        is_taxed,
        {{ tax_reason('is_taxed', 'stated_reason', 'customer_tax_exempt') }} as taxability_reason,
        is_inclusive,
        currency,
        taxable_amount,
        amount,
        supplied_at,
        issued_at,
        voided_at,
        invoice_paid_at,
        invoice_uncollectible_at,
        invoice_voided_at,
        is_refund
    from decided
)

select * from final
