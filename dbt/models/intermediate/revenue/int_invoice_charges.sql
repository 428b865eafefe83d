-- Which charge pays which invoice, old and new API shapes: through the invoice payment's payment
-- intent or charge, or named by the charge or the invoice itself.
with charges as (
    select id, payment_intent_id, legacy_invoice_id from {{ ref('stg_stripe__charges') }}
),

allocations as (
    select invoice_id, payment_intent_id, charge_id from {{ ref('stg_stripe__invoice_payments') }}
),

invoices as (
    select id, legacy_payment_intent_id, legacy_charge_id from {{ ref('stg_stripe__invoices') }}
),

links as (
    select charges.id as charge_id, allocations.invoice_id
    from charges
    inner join allocations on charges.payment_intent_id = allocations.payment_intent_id
    union
    select charge_id, invoice_id from allocations
    where charge_id is not null
    union
    select charges.id as charge_id, invoices.id as invoice_id
    from charges
    inner join invoices on charges.payment_intent_id = invoices.legacy_payment_intent_id
    union
    select legacy_charge_id as charge_id, id as invoice_id
    from invoices
    where legacy_charge_id is not null
    union
    select id as charge_id, legacy_invoice_id as invoice_id
    from charges
    where legacy_invoice_id is not null
),

final as (
    select charge_id, invoice_id from links
)

select * from final
