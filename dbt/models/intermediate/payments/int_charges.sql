-- Every attempt with the invoice it pays, the payment flow it belongs to and, for failed ones too,
-- the currency it settles in.
with charges as (
    select * from {{ ref('stg_stripe__charges') }}
),

intents as (
    select id, setup_future_usage, payment_method_id, legacy_invoice_id
    from {{ ref('stg_stripe__payment_intents') }}
),

payments as (
    select invoice_id, payment_intent_id, charge_id from {{ ref('stg_stripe__invoice_payments') }}
),

invoice_of_intent as (
    select payment_intent_id, min(invoice_id) as invoice_id
    from payments
    where payment_intent_id is not null
    group by payment_intent_id
),

invoice_of_charge as (
    select charge_id, min(invoice_id) as invoice_id
    from payments
    where charge_id is not null
    group by charge_id
),

invoices as (
    select id, subscription_id from {{ ref('stg_stripe__invoices') }}
),

-- Methods that customers left for later use, outside invoices.
saved_methods as (
    select distinct intents.payment_method_id
    from intents
    left join invoice_of_intent on intents.id = invoice_of_intent.payment_intent_id
    where
        intents.setup_future_usage = 'off_session'
        and intents.payment_method_id is not null
        and invoice_of_intent.payment_intent_id is null
        and intents.legacy_invoice_id is null
),

-- What was refunded of captured money. Stripe counts a released authorisation as refunded, too.
refunds_of_charge as (
    select
        charge_id,
        sum(case when is_release then amount else 0 end) as released,
        sum(case when is_release then 0 else amount end) as refunded
    from {{ ref('int_refunds') }}
    where is_standing and charge_id is not null
    group by charge_id
),

split_charges as (
    select distinct source_charge_id from {{ ref('stg_stripe__transfers') }}
    where source_charge_id is not null
),

settled as (
    select id, currency, amount, exchange_rate from {{ ref('stg_stripe__balance_transactions') }}
    where reporting_category = 'charge'
),

-- A failed attempt has no movement: it would have settled as most of its currency do.
settlement_counts as (
    select charges.currency, settled.currency as settlement_currency, count(*) as settled_count
    from charges
    inner join settled on charges.balance_transaction_id = settled.id
    group by charges.currency, settled.currency
),

usual_settlement as (
    select currency, settlement_currency
    from (
        select
            currency,
            settlement_currency,
            row_number() over (
                partition by currency order by settled_count desc, settlement_currency asc
            ) as place
        from settlement_counts
    ) as ranked
    where place = 1
),

linked as (
    select
        charges.*,
        coalesce(
            invoice_of_charge.invoice_id,
            invoice_of_intent.invoice_id,
            charges.legacy_invoice_id,
            intents.legacy_invoice_id
        ) as invoice_id,
        intents.setup_future_usage
    from charges
    left join invoice_of_charge on charges.id = invoice_of_charge.charge_id
    left join invoice_of_intent on charges.payment_intent_id = invoice_of_intent.payment_intent_id
    left join intents on charges.payment_intent_id = intents.id
),

final as (
    select
        linked.id,
        linked.created_at,
        {{ reporting_date('linked.created_at') }} as created_on,
        linked.currency,
        linked.amount,
        linked.amount_captured,
        case
            when linked.amount_captured = 0 then 0
            when coalesce(refunds_of_charge.released, 0) = 0 then linked.amount_refunded
            else
                greatest(
                    linked.amount_refunded - refunds_of_charge.released,
                    refunds_of_charge.refunded
                )
        end as amount_refunded,
        linked.status,
        linked.is_captured,
        linked.customer_id,
        linked.payment_intent_id,
        linked.invoice_id,
        invoices.subscription_id,
        linked.balance_transaction_id,
        coalesce(settled.currency, usual_settlement.settlement_currency, linked.currency)
            as settlement_currency,
        settled.amount as settled_amount,
        settled.exchange_rate,
        linked.payment_method_id,
        linked.payment_method_type,
        linked.brand,
        linked.wallet,
        linked.country,
        linked.billing_country,
        linked.issuer,
        linked.fingerprint,
        linked.outcome_type,
        linked.risk_level,
        linked.risk_score,
        linked.three_d_secure_result,
        case
            when linked.source_transfer_id is not null then 'multi_party'
            when
                linked.destination_account_id is not null
                or linked.application_id is not null
                or linked.application_fee_amount is not null
                then 'marketplace'
            when split_charges.source_charge_id is not null then 'multi_party'
            when linked.on_behalf_of_account_id is not null then 'marketplace'
            when invoices.subscription_id is not null then 'subscription'
            when linked.invoice_id is not null then 'one_time'
            when
                linked.setup_future_usage = 'off_session'
                or saved_methods.payment_method_id is not null
                then 'recurring'
            else 'one_time'
        end as payment_flow
    from linked
    left join invoices on linked.invoice_id = invoices.id
    left join settled on linked.balance_transaction_id = settled.id
    left join usual_settlement on linked.currency = usual_settlement.currency
    left join saved_methods on linked.payment_method_id = saved_methods.payment_method_id
    left join refunds_of_charge on linked.id = refunds_of_charge.charge_id
    left join split_charges on linked.id = split_charges.source_charge_id
)

select * from final
