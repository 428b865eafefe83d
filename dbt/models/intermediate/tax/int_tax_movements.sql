-- Every change of tax liability, signed, in minor units. It rises when an invoice is finalised,
-- when an uncollectible one is paid after all, when a credit note is voided and on a one-off taxed
-- payment; it falls on void, on uncollectible, on a credit note and on a refund of tax. Disputes
-- are not here: a lost one does not reduce it. Reversals keep the date of the supply.
with invoice_taxes as (
    select * from {{ ref('int_invoice_taxes') }}
),

credit_taxes as (
    select * from {{ ref('int_credit_note_taxes') }}
),

-- What credit notes had taken back before an invoice was given up: not taken back again.
credited as (
    select * from credit_taxes
    where
        voided_at is null
        and issued_at <= coalesce(invoice_uncollectible_at, invoice_voided_at)
),

credited_of_line as (
    {{ credited_of_line('credited', ['amount', 'taxable_amount']) }}
),

{% set facts = [
    'invoice_id', 'line_id', 'tax_number', 'customer_id', 'country', 'region', 'jurisdiction',
    'jurisdiction_level', 'tax_type', 'rate', 'tax_rate_id', 'is_taxed', 'taxability_reason',
    'is_inclusive', 'currency',
] %}
-- A note that names no tax of the invoice counts against the invoice as a line of its own.
remaining as (
    select
        {%- for fact in facts %}
        invoice_taxes.{{ fact }},
        {%- endfor %}
        invoice_taxes.finalized_at,
        invoice_taxes.paid_at,
        invoice_taxes.marked_uncollectible_at,
        invoice_taxes.voided_at,
        invoice_taxes.amount,
        invoice_taxes.taxable_amount,
        true as is_invoiced,
        invoice_taxes.amount - coalesce(credited_of_line.amount, 0) as remaining_amount,
        invoice_taxes.taxable_amount - coalesce(credited_of_line.taxable_amount, 0)
            as remaining_taxable
    from invoice_taxes
    left join credited_of_line
        on
            invoice_taxes.invoice_id = credited_of_line.invoice_id
            and invoice_taxes.line_id = credited_of_line.line_id
            and invoice_taxes.tax_number = credited_of_line.tax_number
    union all
    select
        {%- for fact in facts %}
        {{ fact }},
        {%- endfor %}
        supplied_at as finalized_at,
        invoice_paid_at as paid_at,
        invoice_uncollectible_at as marked_uncollectible_at,
        invoice_voided_at as voided_at,
        0 as amount,
        0 as taxable_amount,
        false as is_invoiced,
        -amount as remaining_amount,
        -taxable_amount as remaining_taxable
    from credited
    where invoice_tax_number is null
),

invoice_movements as (
    {%- for movement, instant, sign, condition in [
        ('finalised', 'finalized_at', '', 'is_invoiced'),
        ('uncollectible', 'marked_uncollectible_at', '-', 'marked_uncollectible_at is not null'),
        ('voided', 'voided_at', '-', 'voided_at is not null and marked_uncollectible_at is null'),
        ('paid_after_uncollectible', 'paid_at', '',
            'paid_at is not null and paid_at > marked_uncollectible_at'),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        'invoice' as document_type,
        invoice_id as document_id,
        line_id,
        tax_number,
        '{{ movement }}' as movement,
        {{ instant }} as occurred_at,
        finalized_at as supplied_at,
        invoice_id,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        tax_rate_id,
        is_taxed,
        taxability_reason,
        is_inclusive,
        currency,
        {{ 'taxable_amount' if movement == 'finalised' else sign ~ 'remaining_taxable' }}
            as taxable_amount,
        {{ 'amount' if movement == 'finalised' else sign ~ 'remaining_amount' }} as amount
    from remaining
    where {{ condition }}
    {%- endfor %}
),

credit_movements as (
    {%- for movement, instant, sign in [
        ('credit_note', 'issued_at', '-'), ('credit_note_voided', 'voided_at', '')
    ] %}
    {{ 'union all' if not loop.first }}
    select
        'credit_note' as document_type,
        credit_note_id as document_id,
        line_id,
        tax_number,
        '{{ movement }}' as movement,
        {{ instant }} as occurred_at,
        supplied_at,
        invoice_id,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        tax_rate_id,
        is_taxed,
        taxability_reason,
        is_inclusive,
        currency,
        {{ sign }}taxable_amount as taxable_amount,
        {{ sign }}amount as amount
    from credit_taxes
    where {{ instant }} is not null
    {%- endfor %}
),

every_movement as (
    select * from invoice_movements
    union all
    select * from credit_movements
    union all
    select * from {{ ref('int_one_off_taxes') }}
    union all
    select * from {{ ref('int_checkout_taxes') }}
),

final as (
    select
        {{ text_key(['document_id', 'line_id', 'cast(tax_number as varchar)', 'movement']) }}
            as tax_movement_id,
        *,
        {{ reporting_date('occurred_at') }} as occurred_on,
        {{ reporting_date('supplied_at') }} as supplied_on
    from every_movement
    where occurred_at <= {{ as_of() }}
)

select * from final
