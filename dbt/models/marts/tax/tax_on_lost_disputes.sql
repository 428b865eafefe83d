-- Tax that stays due on payments that a lost dispute took back: it was paid too much unless the
-- document is credited. The tax is the disputed share of the invoice's, or of the payment's where
-- Stripe Tax recorded it without an invoice.
with disputes as (
    select marts.*, disputes.amount as minor_amount
    from {{ ref('disputes') }} as marts
    inner join {{ ref('stg_stripe__disputes') }} as disputes on marts.dispute_id = disputes.id
    where marts.outcome = 'lost'
),

movements as (
    select * from {{ ref('int_tax_movements') }}
),

-- Tax of a payment, less what its refunds gave back.
of_payments as (
    select attempts.payment_intent_id, attempts.tax_transaction_id
    from {{ ref('stg_stripe__tax_attempts') }} as attempts
    where attempts.status = 'committed' and attempts.tax_transaction_id is not null
),

taxes as (
    select
        disputes.dispute_id,
        invoices.id as document_id,
        invoices.total as document_amount,
        movements.country,
        movements.region,
        movements.tax_type,
        movements.currency,
        movements.amount
    from disputes
    inner join {{ ref('stg_stripe__invoices') }} as invoices
        on disputes.invoice_id = invoices.id and disputes.currency = invoices.currency
    inner join movements on invoices.id = movements.invoice_id
    union all
    select
        disputes.dispute_id,
        disputes.payment_intent_id as document_id,
        charges.amount_captured as document_amount,
        movements.country,
        movements.region,
        movements.tax_type,
        movements.currency,
        movements.amount
    from disputes
    inner join {{ ref('int_charges') }} as charges
        on disputes.charge_id = charges.id and disputes.currency = charges.currency
    inner join of_payments on disputes.payment_intent_id = of_payments.payment_intent_id
    inner join movements
        on
            of_payments.tax_transaction_id = movements.document_id
            and disputes.currency = movements.currency
    where disputes.invoice_id is null
),

summed as (
    select
        dispute_id,
        document_id,
        document_amount,
        country,
        region,
        tax_type,
        currency,
        sum(amount) as amount
    from taxes
    where document_amount > 0
    group by dispute_id, document_id, document_amount, country, region, tax_type, currency
    having sum(amount) > 0
),

final as (
    select
        disputes.dispute_id,
        disputes.charge_id,
        disputes.invoice_id,
        summed.document_id,
        disputes.customer_id,
        disputes.opened_on,
        summed.country,
        summed.region,
        summed.tax_type,
        disputes.currency,
        disputes.amount as disputed_amount,
        {{ to_major('summed.amount', 'summed.currency') }} as tax_due,
        {{ to_major(
            divide('(summed.amount * disputes.minor_amount)', 'summed.document_amount', 0, 0, 0),
            'summed.currency'
        ) }} as tax_paid_too_much
    from summed
    inner join disputes on summed.dispute_id = disputes.dispute_id
)

select * from final
