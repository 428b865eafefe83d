-- Breaks between invoices, their lines, their tax and their payments, and of customers' balances.
with invoices as (
    select
        *,
        {{ reporting_date('coalesce(finalized_at, created_at)') }} as finalized_on
    from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null
),

payments as (
    select * from {{ ref('stg_stripe__invoice_payments') }}
    where status = 'paid'
),

charges as (
    select id, payment_intent_id, amount_captured, created_on
    from {{ ref('int_charges') }}
    where status = 'succeeded'
),

charge_of_intent as (
    select payment_intent_id, max(id) as charge_id
    from charges
    where payment_intent_id is not null
    group by payment_intent_id
),

paid_by_payments as (
    select invoice_id, sum(amount_paid) as amount from payments group by invoice_id
),

paid_without_payment as (
    select
        'invoice_paid_without_payment' as kind,
        invoice_id as object_id,
        customer_id as related_object_id,
        currency,
        amount_paid - amount_by_payments - amount_off_gateway as amount,
        {{ reporting_date('paid_at') }} as seen_on,
        'The invoice shows more paid than its payments add up to' as detail
    from {{ ref('int_invoice_settlements') }}
    where
        status = 'paid'
        and amount_paid > amount_by_payments + amount_off_gateway
        -- Where the key cannot read invoice payments, nothing can be said.
        and (has_payments or exists (select 1 from {{ ref('stg_stripe__invoice_payments') }}))
),

without_invoice as (
    select
        'payment_without_invoice' as kind,
        coalesce(
            payments.charge_id, charge_of_intent.charge_id, payments.payment_intent_id, payments.id
        ) as object_id,
        payments.invoice_id as related_object_id,
        payments.currency,
        payments.amount_paid as amount,
        {{ reporting_date('coalesce(payments.paid_at, payments.created_at)') }} as seen_on,
        case
            when invoices.id is null then 'The payment names an invoice that was not found'
            else concat(
                'The payment names an invoice that is ', invoices.status, ' and shows ',
                'less paid than its payments add up to'
            )
        end as detail
    from payments
    left join invoices on payments.invoice_id = invoices.id
    left join paid_by_payments on payments.invoice_id = paid_by_payments.invoice_id
    left join charge_of_intent on payments.payment_intent_id = charge_of_intent.payment_intent_id
    where invoices.id is null or paid_by_payments.amount > invoices.amount_paid
),

line_totals as (
    select
        invoice_id,
        sum(amount) as amount,
        sum(discount_amount) as discount_amount,
        sum(exclusive_tax_amount) as exclusive_tax_amount
    from {{ ref('stg_stripe__invoice_lines') }}
    group by invoice_id
),

-- Shipping is a line here, too. Without the taxes of shipping the sum is at least known.
tax_totals as (
    select invoice_id, sum(amount) as amount, count(*) as tax_count
    from {{ ref('int_line_taxes') }}
    group by invoice_id
),

totals as (
    select
        invoices.*,
        coalesce(line_totals.amount, 0) - coalesce(line_totals.discount_amount, 0)
        + coalesce(line_totals.exclusive_tax_amount, 0) + invoices.shipping_amount as lines_total,
        coalesce(tax_totals.amount, 0) as lines_tax,
        coalesce(tax_totals.tax_count, 0) as tax_count
    from invoices
    left join line_totals on invoices.id = line_totals.invoice_id
    left join tax_totals on invoices.id = tax_totals.invoice_id
),

-- A total that differs by just what the tax differs by is a break of the tax.
total_mismatches as (
    select
        'invoice_total_mismatch' as kind,
        id as object_id,
        customer_id as related_object_id,
        currency,
        cast(total - lines_total as bigint) as amount,
        finalized_on as seen_on,
        'The total is not lines less discounts plus tax' as detail
    from totals
    where
        total <> lines_total
        and (tax_amount = lines_tax or total - lines_total <> tax_amount - lines_tax)
),

-- Up to a minor unit for each taxed line is rounding, and stands in the tax lines as that.
tax_mismatches as (
    select
        'tax_total_mismatch' as kind,
        id as object_id,
        customer_id as related_object_id,
        currency,
        cast(tax_amount - lines_tax as bigint) as amount,
        finalized_on as seen_on,
        'The tax of the invoice is not the sum of its lines'' tax' as detail
    from totals
    where abs(tax_amount - lines_tax) > tax_count
),

duplicates as (
    select
        'duplicate_charge' as kind,
        charge_id as object_id,
        first_charge_id as related_object_id,
        currency,
        amount,
        created_on as seen_on,
        'The same customer, card, amount and currency within two minutes' as detail
    from {{ ref('int_duplicate_charges') }}
),

notes as (
    select
        invoice_id,
        sum(coalesce(pre_payment_amount + post_payment_amount, amount)) as amount,
        max(created_at) as last_at
    from {{ ref('stg_stripe__credit_notes') }}
    where status <> 'void'
    group by invoice_id
),

credit_note_mismatches as (
    select
        'credit_note_mismatch' as kind,
        invoices.id as object_id,
        invoices.customer_id as related_object_id,
        invoices.currency,
        cast(
            invoices.pre_payment_credit_notes_amount + invoices.post_payment_credit_notes_amount
            - coalesce(notes.amount, 0) as bigint
        ) as amount,
        coalesce({{ reporting_date('notes.last_at') }}, invoices.finalized_on) as seen_on,
        'The invoice states another amount credited than its credit notes add up to' as detail
    from invoices
    left join notes on invoices.id = notes.invoice_id
    where
        invoices.pre_payment_credit_notes_amount + invoices.post_payment_credit_notes_amount
        <> coalesce(notes.amount, 0)
        -- Where the key cannot read credit notes, nothing can be said.
        and exists (select 1 from {{ ref('stg_stripe__credit_notes') }})
),

credit as (
    select customer_id, currency, sum(amount) as amount, max(created_at) as last_at
    from {{ ref('stg_stripe__customer_balance_transactions') }}
    group by customer_id, currency
),

-- What a customer owes or has to its credit is the sum of all changes of its balance.
balance_mismatches as (
    select
        'customer_balance_mismatch' as kind,
        customers.id as object_id,
        cast(null as varchar) as related_object_id,
        customers.currency,
        cast(customers.balance - coalesce(credit.amount, 0) as bigint) as amount,
        {{ reporting_date('coalesce(credit.last_at, customers.created_at)') }} as seen_on,
        'The customer''s balance is not the sum of its changes' as detail
    from {{ ref('stg_stripe__customers') }} as customers
    left join credit
        on customers.id = credit.customer_id and customers.currency = credit.currency
    where
        not customers.is_deleted
        and customers.balance <> coalesce(credit.amount, 0)
        -- The changes of a currency that is not known are in quarantine.
        and customers.currency in (select currency from {{ ref('currencies') }})
        -- Where the key cannot read the changes, nothing can be said.
        and exists (select 1 from {{ ref('stg_stripe__customer_balance_transactions') }})
),

final as (
    select * from paid_without_payment
    union all
    select * from without_invoice
    union all
    select * from total_mismatches
    union all
    select * from tax_mismatches
    union all
    select * from duplicates
    union all
    select * from credit_note_mismatches
    union all
    select * from balance_mismatches
)

select * from final
