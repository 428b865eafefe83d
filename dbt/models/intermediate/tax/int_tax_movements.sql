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

calculated as (
    select * from {{ ref('stg_tax_calculated_lines') }}
),

-- What credit notes had taken back before an invoice was given up: not taken back again.
credited as (
    select
        invoice_taxes.invoice_id,
        invoice_taxes.line_id,
        invoice_taxes.tax_number,
        sum(credit_taxes.amount) as amount,
        sum(credit_taxes.taxable_amount) as taxable_amount
    from invoice_taxes
    inner join credit_taxes
        on
            invoice_taxes.invoice_id = credit_taxes.invoice_id
            and invoice_taxes.line_id = credit_taxes.invoice_line_id
            and invoice_taxes.tax_rate_id = credit_taxes.tax_rate_id
            and credit_taxes.voided_at is null
            and credit_taxes.issued_at
            <= coalesce(invoice_taxes.marked_uncollectible_at, invoice_taxes.voided_at)
    group by invoice_taxes.invoice_id, invoice_taxes.line_id, invoice_taxes.tax_number
),

remaining as (
    select
        invoice_taxes.*,
        invoice_taxes.amount - coalesce(credited.amount, 0) as remaining_amount,
        invoice_taxes.taxable_amount - coalesce(credited.taxable_amount, 0) as remaining_taxable
    from invoice_taxes
    left join credited
        on
            invoice_taxes.invoice_id = credited.invoice_id
            and invoice_taxes.line_id = credited.line_id
            and invoice_taxes.tax_number = credited.tax_number
),

invoice_movements as (
    {%- for movement, instant, sign, condition in [
        ('finalised', 'finalized_at', '', 'true'),
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
        taxability_reason,
        is_inclusive,
        currency,
        {{ sign }}taxable_amount as taxable_amount,
        {{ sign }}amount as amount
    from credit_taxes
    where {{ instant }} is not null
    {%- endfor %}
),

originals as (
    select distinct tax_transaction_id, taxed_at from calculated where type = 'transaction'
),

-- Stripe states no rate beside these lines. A rate in force that gives the amount to the minor unit
-- is the rate; else it is what the amounts say.
fitting as (
    select
        calculated.tax_transaction_id,
        calculated.line_id,
        max(in_force.rate) as rate,
        max(in_force.tax_type) as tax_type
    from calculated
    inner join {{ ref('tax_rates_in_force') }} as in_force
        on
            calculated.country = in_force.country
            and in_force.region is null
    where
        {{ reporting_date('calculated.taxed_at') }} >= in_force.valid_from
        and {{ reporting_date('calculated.taxed_at') }}
        <= coalesce(in_force.valid_until, date '9999-12-31')
        and abs(calculated.amount * 100 - calculated.taxable_amount * in_force.rate) <= 100
    group by calculated.tax_transaction_id, calculated.line_id
),

calculated_movements as (
    select
        case when calculated.type = 'reversal' then 'refund' else 'payment' end as document_type,
        calculated.tax_transaction_id as document_id,
        calculated.line_id,
        1 as tax_number,
        case when calculated.type = 'reversal' then 'tax_refunded' else 'one_off' end as movement,
        calculated.posted_at as occurred_at,
        coalesce(originals.taxed_at, calculated.taxed_at) as supplied_at,
        cast(null as varchar) as invoice_id,
        calculated.customer_id,
        calculated.country,
        calculated.state as region,
        calculated.city as jurisdiction,
        cast(null as varchar) as jurisdiction_level,
        fitting.tax_type,
        coalesce(
            cast(fitting.rate as decimal(18, 6)),
            cast(
                {{ divide('calculated.amount * 100', 'calculated.taxable_amount', 2, 0, 0) }}
                as decimal(18, 6)
            )
        ) as rate,
        cast(null as varchar) as tax_rate_id,
        cast(null as varchar) as taxability_reason,
        calculated.is_inclusive,
        calculated.currency,
        calculated.taxable_amount,
        calculated.amount
    from calculated
    left join originals on calculated.original_transaction_id = originals.tax_transaction_id
    left join fitting
        on
            calculated.tax_transaction_id = fitting.tax_transaction_id
            and calculated.line_id = fitting.line_id
),

every_movement as (
    select * from invoice_movements
    union all
    select * from credit_movements
    union all
    select * from calculated_movements
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
