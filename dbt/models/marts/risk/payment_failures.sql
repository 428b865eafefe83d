-- Every failed attempt, classed by its decline code, whether another one is allowed, and whether
-- the money came after all.
with failures as (
    select
        attempts.*,
        charges.amount,
        charges.currency,
        charges.customer_id,
        charges.payment_intent_id,
        charges.invoice_id,
        charges.payment_flow,
        charges.payment_method_id,
        charges.payment_method_type,
        charges.brand,
        charges.country,
        charges.issuer
    from {{ ref('int_failed_attempts') }} as attempts
    inner join {{ ref('int_charges') }} as charges on attempts.id = charges.id
),

successes as (
    select id, created_at, payment_intent_id, invoice_id, payment_method_id
    from {{ ref('int_charges') }}
    where status = 'succeeded'
),

recoveries as (
    select
        failures.id,
        successes.id as success_id,
        successes.created_at,
        successes.payment_method_id
    from failures
    inner join successes
        on
            failures.payment_intent_id = successes.payment_intent_id
            and failures.created_at <= successes.created_at
    union all
    select
        failures.id,
        successes.id as success_id,
        successes.created_at,
        successes.payment_method_id
    from failures
    inner join successes
        on
            failures.invoice_id = successes.invoice_id
            and failures.payment_intent_id is distinct from successes.payment_intent_id
            and failures.created_at <= successes.created_at
),

first_recoveries as (
    select *
    from (
        select
            *, row_number() over (partition by id order by created_at, success_id) as place
        from recoveries
    ) as ranked
    where place = 1
),

invoices as (
    select id, status, paid_at, collection_method from {{ ref('stg_stripe__invoices') }}
),

-- Paid, and by no payment that Stripe knows.
payments_by_hand as (
    select failures.id, invoices.paid_at
    from failures
    inner join invoices on failures.invoice_id = invoices.id
    where invoices.status = 'paid' and failures.occurred_at <= invoices.paid_at
),

attempts as (
    select id, row_number() over (partition by payment_intent_id order by created_at, id) as number
    from {{ ref('stg_stripe__charges') }}
    where payment_intent_id in (select payment_intent_id from failures)
),

final as (
    select
        failures.id as charge_id,
        failures.payment_intent_id,
        failures.customer_id,
        failures.occurred_at,
        {{ reporting_date('failures.occurred_at') }} as occurred_on,
        {{ to_major('failures.amount', 'failures.currency') }} as amount,
        failures.currency,
        failures.decline_code,
        failures.decline_kind,
        -- Nobody who tests stolen cards is helped to another try.
        failures.retry_allowed and testing.charge_id is null as retry_allowed,
        coalesce(recovery.created_at, by_hand.paid_at) as recovered_at,
        case
            when
                recovery.id is not null
                and coalesce(recovery.payment_method_id, '')
                <> coalesce(failures.payment_method_id, '')
                then 'new_payment_method'
            -- Stripe retries the invoices that it charges by itself, and nothing else.
            when recovery.id is not null and invoices.collection_method = 'charge_automatically'
                then 'automatic_retry'
            when coalesce(recovery.id, by_hand.id) is not null then 'manual'
        end as recovered_by,
        failures.is_known_code,
        case when testing.charge_id is not null then 'card testing' else failures.retry_rule end
            as retry_rule,
        case when testing.charge_id is null then failures.retry_not_before end as retry_not_before,
        failures.invoice_id,
        failures.payment_flow,
        failures.payment_method_id,
        failures.payment_method_type,
        failures.brand,
        failures.country,
        failures.issuer,
        failures.network_decline_code,
        failures.network_advice_code,
        failures.advice_code,
        coalesce(attempts.number, 1) as attempt_number,
        failures.is_late,
        testing.charge_id is not null as is_card_testing
    from failures
    left join {{ ref('int_card_testing') }} as testing on failures.id = testing.charge_id
    left join first_recoveries as recovery on failures.id = recovery.id
    left join invoices on failures.invoice_id = invoices.id
    left join payments_by_hand as by_hand on failures.id = by_hand.id
    left join attempts on failures.id = attempts.id
)

select * from final
