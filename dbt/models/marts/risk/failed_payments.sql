-- One row per payment that failed at least once: its attempts together, whether the money came,
-- by what, and what is still at risk. A payment is an invoice or, without one, a payment intent.
with failures as (
    select *, coalesce(invoice_id, payment_intent_id, charge_id) as payment_id
    from {{ ref('payment_failures') }}
),

totals as (
    select
        payment_id,
        currency,
        count(*) as failures,
        min(occurred_at) as first_failed_at,
        max(occurred_at) as last_failed_at
    from failures
    group by payment_id, currency
),

newest as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by payment_id, currency order by occurred_at desc, charge_id desc
            ) as place
        from failures
    ) as ranked
    where place = 1
),

invoices as (
    select id, status from {{ ref('stg_stripe__invoices') }}
),

intents as (
    select id, status from {{ ref('stg_stripe__payment_intents') }}
),

joined as (
    select
        newest.*,
        totals.failures,
        totals.first_failed_at,
        totals.last_failed_at,
        case
            when newest.recovered_at is not null then 'recovered'
            when invoices.status in ('void', 'uncollectible') then 'lost'
            when invoices.id is not null then 'at_risk'
            when intents.status = 'canceled' then 'lost'
            -- Without an invoice nobody asks again: who has not paid in 30 days will not.
            when totals.last_failed_at <= {{ as_of() }} - interval 30 day then 'lost'
            else 'at_risk'
        end as status
    from newest
    inner join totals
        on newest.payment_id = totals.payment_id and newest.currency = totals.currency
    left join invoices on newest.invoice_id = invoices.id
    left join intents on newest.payment_intent_id = intents.id
),

final as (
    select
        payment_id,
        invoice_id,
        payment_intent_id,
        customer_id,
        currency,
        amount,
        status,
        failures,
        first_failed_at,
        {{ reporting_date('first_failed_at') }} as first_failed_on,
        last_failed_at,
        decline_code as last_decline_code,
        decline_kind as last_decline_kind,
        retry_allowed,
        retry_not_before,
        recovered_at,
        recovered_by,
        case
            when recovered_at is not null
                then cast({{ days_between(
                    reporting_date('first_failed_at'), reporting_date('recovered_at')
                ) }} as bigint)
        end as days_to_recover,
        payment_flow,
        payment_method_type,
        brand,
        country
    from joined
)

select * from final
