-- Tax in one-off payments and in their refunds, by the object that it was recorded of: a payment
-- intent or a charge, or a refund. Positive, in minor units. What is tax is no revenue. Null where
-- nobody knows: the payment may have come through Checkout, whose sessions cannot be read.
with attempts as (
    select distinct tax_transaction_id, source_id from {{ ref('stg_stripe__tax_attempts') }}
    where tax_transaction_id is not null
),

sessions as (
    select id, payment_intent_id from {{ ref('stg_stripe__checkout_sessions') }}
),

found as (
    select attempts.source_id, abs(taxes.amount) as amount
    from {{ ref('int_one_off_taxes') }} as taxes
    inner join attempts on taxes.document_id = attempts.tax_transaction_id
    union all
    select
        case
            when taxes.document_type = 'refund' then taxes.document_id
            else sessions.payment_intent_id
        end as source_id,
        abs(taxes.amount) as amount
    from {{ ref('int_checkout_taxes') }} as taxes
    inner join sessions on taxes.line_id = sessions.id
),

known as (
    select payment_intent_id from {{ ref('stg_stripe__tax_attempts') }}
    where status = 'committed'
    union all
    select payment_intent_id from sessions
    union all
    select payment_intent_id from {{ ref('stg_stripe__invoice_payments') }}
),

unknown as (
    select id, payment_intent_id from {{ ref('stg_stripe__charges') }}
    where
        {{ is_unread('checkout.session', reporting_date('created_at')) }}
        and payment_intent_id is not null
        and payment_intent_id not in (
            select payment_intent_id from known where payment_intent_id is not null
        )
),

final as (
    select source_id, cast(sum(amount) as bigint) as amount
    from found
    where source_id is not null
    group by source_id
    union all
    select distinct payment_intent_id, cast(null as bigint) as amount from unknown
    union all
    select refunds.id, cast(null as bigint) as amount
    from {{ ref('int_refunds') }} as refunds
    inner join unknown on refunds.charge_id = unknown.id
    where refunds.id not in (select source_id from found where source_id is not null)
)

select * from final
