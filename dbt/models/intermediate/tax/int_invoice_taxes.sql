-- Tax of each invoice line and rate with its jurisdiction and the instants that decide liability.
with taxes as (
    select * from {{ ref('stg_invoice_line_taxes') }}
),

invoices as (
    select * from {{ ref('stg_invoices') }}
    where finalized_at is not null and finalized_at <= {{ as_of() }} and status <> 'draft'
),

rates as (
    select * from {{ ref('stg_tax_rates') }}
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
        cast(rates.percentage as decimal(18, 6)) as rate,
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
