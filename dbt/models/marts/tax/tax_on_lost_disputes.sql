-- Tax that stays due on payments that a lost dispute took back: it was paid too much unless the
-- invoice is credited. The tax is the disputed share of the invoice's.
with disputes as (
    select * from {{ ref('disputes') }}
    where outcome = 'lost' and invoice_id is not null
),

invoices as (
    select id, currency, {{ to_major('total', 'currency') }} as total
    from {{ ref('stg_invoices') }}
    where total > 0
),

taxes as (
    select invoice_id, country, region, tax_type, sum(amount) as amount
    from {{ ref('int_tax_movements') }}
    where invoice_id is not null
    group by invoice_id, country, region, tax_type
    having sum(amount) > 0
),

shares as (
    select
        disputes.dispute_id,
        disputes.charge_id,
        disputes.invoice_id,
        disputes.customer_id,
        disputes.opened_on,
        taxes.country,
        taxes.region,
        taxes.tax_type,
        disputes.currency,
        disputes.amount as disputed_amount,
        taxes.amount as tax_due,
        -- minor units of tax × the disputed part of the invoice
        {{ divide('(taxes.amount * disputes.amount)', 'invoices.total', 0, 3, 3) }}
            as tax_paid_too_much
    from disputes
    inner join invoices
        on disputes.invoice_id = invoices.id and disputes.currency = invoices.currency
    inner join taxes on disputes.invoice_id = taxes.invoice_id
),

final as (
    select
        dispute_id,
        charge_id,
        invoice_id,
        customer_id,
        opened_on,
        country,
        region,
        tax_type,
        currency,
        disputed_amount,
        {{ to_major('tax_due', 'currency') }} as tax_due,
        {{ to_major('tax_paid_too_much', 'currency') }} as tax_paid_too_much
    from shares
)

select * from final
