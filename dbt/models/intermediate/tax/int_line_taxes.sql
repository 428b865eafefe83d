-- The one place that decides what is taxed, at which rate, and whether the price contains it: tax
-- of each invoice line and rate, shipping as a line of its own. MRR, recognised revenue and taxable
-- amounts all rest on it.
with lines as (
    select
        invoice_id,
        id as line_id,
        amount - discount_amount - inclusive_tax_amount as net_amount
    from {{ ref('stg_stripe__invoice_lines') }}
),

shipped as (
    select id as invoice_id, shipping_amount - shipping_tax_amount as net_amount
    from {{ ref('stg_stripe__invoices') }}
),

stated as (
    select
        taxes.invoice_id,
        taxes.line_id,
        taxes.tax_number,
        taxes.tax_rate_id,
        taxes.is_inclusive,
        taxes.taxability_reason,
        taxes.currency,
        taxes.taxable_amount,
        taxes.amount,
        lines.net_amount
    from {{ ref('stg_stripe__invoice_line_taxes') }} as taxes
    left join lines on taxes.invoice_id = lines.invoice_id and taxes.line_id = lines.line_id
    union all
    select
        taxes.invoice_id,
        'shipping' as line_id,
        taxes.tax_number,
        taxes.tax_rate_id,
        taxes.is_inclusive,
        taxes.taxability_reason,
        taxes.currency,
        taxes.taxable_amount,
        taxes.amount,
        shipped.net_amount
    from {{ ref('stg_stripe__invoice_shipping_taxes') }} as taxes
    left join shipped on taxes.invoice_id = shipped.invoice_id
),

invoices as (
    select id, customer_tax_exempt from {{ ref('stg_stripe__invoices') }}
),

rates as (
    select id, percentage, effective_percentage from {{ ref('stg_stripe__tax_rates') }}
),

rated as (
    select
        stated.invoice_id,
        stated.line_id,
        stated.tax_number,
        stated.tax_rate_id,
        stated.is_inclusive,
        stated.taxability_reason as stated_reason,
        stated.currency,
        coalesce(stated.taxable_amount, stated.net_amount) as taxable_amount,
        stated.amount,
        stated.net_amount,
        invoices.customer_tax_exempt,
        rates.percentage,
        rates.effective_percentage
    from stated
    left join invoices on stated.invoice_id = invoices.id
    left join rates on stated.tax_rate_id = rates.id
),

decided as (
    select
        *,
        {{ is_taxed(
            'amount', 'percentage', 'taxable_amount', 'stated_reason', 'customer_tax_exempt'
        ) }} as is_taxed
    from rated
),

final as (
    select
        invoice_id,
        line_id,
        tax_number,
        tax_rate_id,
        is_inclusive,
        is_taxed,
        {{ tax_reason('is_taxed', 'stated_reason', 'customer_tax_exempt') }} as taxability_reason,
        currency,
        cast(percentage as decimal(18, 6)) as rate,
        taxable_amount,
        amount,
        -- How much of the net price it adds: the rate, where it was applied to all of it.
        case
            when not is_taxed then 0
            {%- for column in ['percentage', 'effective_percentage'] %}
            when
                abs(taxable_amount - net_amount) <= 1
                and abs(taxable_amount * {{ column }} - amount * 100) <= 100
                then cast({{ column }} as decimal(18, 6))
            {%- endfor %}
            when net_amount <> 0
                then cast({{ divide('amount * 100', 'net_amount', 6, 0, 0) }} as decimal(18, 6))
            else coalesce(cast(effective_percentage as decimal(18, 6)), 0)
        end as percentage_of_net
    from decided
)

select * from final
