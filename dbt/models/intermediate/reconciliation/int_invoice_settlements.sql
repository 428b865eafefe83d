-- How each finalised invoice was paid: by payments of the gateway, and outside it (a transfer that
-- was recorded by hand, cash). The older API shape says only that an invoice was paid out of band.
with invoices as (
    select * from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null
),

payments as (
    select
        invoice_id,
        count(*) as payments,
        sum(case when is_off_gateway then 0 else amount_paid end) as by_gateway,
        sum(case when is_off_gateway then amount_paid else 0 end) as off_gateway
    from (
        select
            invoice_id,
            amount_paid,
            coalesce(payment_type, 'charge') not in ('charge', 'payment_intent') as is_off_gateway
        from {{ ref('stg_stripe__invoice_payments') }}
        where status = 'paid'
    ) as paid
    group by invoice_id
),

-- The oldest shape names the charge on the invoice and has no invoice payments.
charges as (
    select id, amount_captured from {{ ref('stg_stripe__charges') }}
    where status = 'succeeded'
),

summed as (
    select
        invoices.id as invoice_id,
        invoices.customer_id,
        invoices.currency,
        invoices.status,
        invoices.total,
        invoices.amount_paid,
        coalesce(invoices.paid_at, invoices.finalized_at) as paid_at,
        invoices.amount_paid_off_stripe,
        invoices.is_paid_out_of_band,
        coalesce(
            payments.by_gateway, charges.amount_captured, 0
        ) as amount_by_payments,
        coalesce(payments.off_gateway, 0) as amount_recorded,
        payments.payments is not null or invoices.legacy_charge_id is not null as has_payments
    from invoices
    left join payments on invoices.id = payments.invoice_id
    left join charges on invoices.legacy_charge_id = charges.id
),

final as (
    select
        invoice_id,
        customer_id,
        currency,
        status,
        paid_at,
        total,
        amount_paid,
        amount_by_payments,
        case
            when amount_paid_off_stripe is null and is_paid_out_of_band
                then greatest(amount_paid - amount_by_payments, amount_recorded)
            else greatest(coalesce(amount_paid_off_stripe, 0), amount_recorded)
        end as amount_off_gateway,
        has_payments
    from summed
)

select * from final
