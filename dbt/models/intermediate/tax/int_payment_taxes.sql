-- Tax in one-off payments and in their refunds, by the object that it was recorded of: a payment
-- intent or a charge, or a refund. Positive, in minor units. What is tax is no revenue.
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

final as (
    select source_id, cast(sum(amount) as bigint) as amount
    from found
    where source_id is not null
    group by source_id
)

select * from final
