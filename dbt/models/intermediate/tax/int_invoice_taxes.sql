-- Tax of each invoice line and rate with its jurisdiction and the instants that decide liability;
-- what rounding leaves between lines and invoice is a line of its own.
with line_taxes as (
    select * from {{ ref('int_line_taxes') }}
),

rounding as (
    select * from {{ ref('int_tax_rounding') }}
),

taxes as (
    select
        invoice_id,
        line_id,
        tax_number,
        tax_rate_id,
        rate,
        is_taxed,
        taxability_reason,
        is_inclusive,
        currency,
        taxable_amount,
        amount
    from line_taxes
    union all
    select
        line_taxes.invoice_id,
        'rounding' as line_id,
        row_number() over (
            partition by line_taxes.invoice_id
            order by line_taxes.line_id, line_taxes.tax_number
        ) as tax_number,
        line_taxes.tax_rate_id,
        line_taxes.rate,
        line_taxes.is_taxed,
        line_taxes.taxability_reason,
        line_taxes.is_inclusive,
        line_taxes.currency,
        0 as taxable_amount,
        rounding.amount
    from rounding
    inner join line_taxes
        on
            rounding.invoice_id = line_taxes.invoice_id
            and rounding.line_id = line_taxes.line_id
            and rounding.tax_number = line_taxes.tax_number
),

invoices as (
    select * from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null and finalized_at <= {{ as_of() }} and status <> 'draft'
),

rates as (
    select * from {{ ref('stg_stripe__tax_rates') }}
),

final as (
    select
        taxes.invoice_id,
        taxes.line_id,
        taxes.tax_number,
        taxes.tax_rate_id,
        invoices.customer_id,
        coalesce(rates.country, invoices.customer_country) as country,
        coalesce(rates.state, case when rates.country is null then invoices.customer_state end)
            as region,
        rates.jurisdiction,
        rates.jurisdiction_level,
        rates.tax_type,
        taxes.rate,
        taxes.is_taxed,
        taxes.taxability_reason,
        taxes.is_inclusive,
        taxes.currency,
        taxes.taxable_amount,
        taxes.amount,
        invoices.finalized_at,
        invoices.paid_at,
        invoices.marked_uncollectible_at,
        invoices.voided_at
    from taxes
    inner join invoices on taxes.invoice_id = invoices.id
    left join rates on taxes.tax_rate_id = rates.id
)

select * from final
