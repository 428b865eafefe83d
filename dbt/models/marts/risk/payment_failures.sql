-- Every failed attempt, classed by its decline code, whether another one is allowed, and whether
-- the money came after all.
with charges as (
    select * from {{ ref('stg_charges') }}
    where status = 'failed'
),

linked as (
    select id, invoice_id, payment_flow from {{ ref('int_charges') }}
    where status = 'failed'
),

-- A debit that comes back days later failed when its money went, not when it was made.
late_failures as (
    select source_id, min(occurred_at) as occurred_at
    from {{ ref('int_ledger') }}
    where category = 'charge_failure'
    group by source_id
),

failures as (
    select
        charges.*,
        linked.invoice_id,
        linked.payment_flow,
        coalesce(late_failures.occurred_at, charges.created_at) as occurred_at,
        late_failures.source_id is not null as is_late,
        coalesce(
            case when charges.failure_code = 'card_declined' then charges.outcome_reason end,
            case when charges.outcome_type = 'blocked' then charges.outcome_reason end,
            charges.failure_code,
            charges.outcome_reason,
            'unknown'
        ) as decline_code
    from charges
    inner join linked on charges.id = linked.id
    left join late_failures on charges.id = late_failures.source_id
),

-- How often the same card had failed by then: only failures are counted.
counted as (
    select
        *,
        count(*) over (
            partition by coalesce(fingerprint, id) order by created_at
            range between interval 30 day preceding and current row
        ) as failures_in_30_days,
        count(*) over (
            partition by coalesce(fingerprint, id) order by created_at
            range between interval 1 day preceding and current row
        ) as failures_in_1_day
    from failures
),

rules as (
    select * from {{ ref('retry_rules') }}
),

forbidden as (
    select distinct counted.id
    from counted
    inner join rules
        on
            counted.brand = rules.network
            and counted.created_at >= rules.valid_from
            and (
                (
                    rules.never
                    and (
                        (rules.code_type = 'response' and counted.network_decline_code = rules.code)
                        or (rules.code_type = 'advice' and counted.network_advice_code = rules.code)
                    )
                )
                or (
                    not rules.never
                    and case rules.days
                        when 1 then counted.failures_in_1_day
                        else counted.failures_in_30_days
                    end >= rules.attempts
                )
            )
),

codes as (
    select * from {{ ref('decline_codes') }}
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
        successes.payment_method_id,
        row_number() over (
            partition by failures.id order by successes.created_at, successes.id
        ) as place
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
        successes.payment_method_id,
        row_number() over (
            partition by failures.id order by successes.created_at, successes.id
        ) as place
    from failures
    inner join successes
        on
            failures.invoice_id = successes.invoice_id
            and failures.payment_intent_id is distinct from successes.payment_intent_id
            and failures.created_at <= successes.created_at
),

first_recoveries as (
    select
        id,
        min(created_at) as recovered_at,
        min_by(payment_method_id, created_at) as payment_method_id
    from recoveries
    where place = 1
    group by id
),

invoices as (
    select id, paid_at from {{ ref('stg_invoices') }}
    where status = 'paid'
),

attempts as (
    select id, row_number() over (partition by payment_intent_id order by created_at, id) as number
    from {{ ref('stg_charges') }}
    where payment_intent_id in (select payment_intent_id from charges)
),

final as (
    select
        counted.id as charge_id,
        counted.payment_intent_id,
        counted.customer_id,
        counted.occurred_at,
        {{ reporting_date('counted.occurred_at') }} as occurred_on,
        {{ to_major('counted.amount', 'counted.currency') }} as amount,
        counted.currency,
        counted.decline_code,
        -- An unknown code is not tried again: what forbids it is not known either.
        coalesce(codes.kind, 'hard') as decline_kind,
        coalesce(codes.retry_allowed, false)
        and forbidden.id is null
        and coalesce(counted.advice_code, '') <> 'do_not_try_again' as retry_allowed,
        coalesce(first_recoveries.recovered_at, invoices.paid_at) as recovered_at,
        case
            when first_recoveries.payment_method_id = counted.payment_method_id
                then 'automatic_retry'
            when first_recoveries.id is not null then 'new_payment_method'
            when invoices.paid_at is not null then 'manual'
        end as recovered_by,
        codes.decline_code is not null as is_known_code,
        counted.invoice_id,
        counted.payment_flow,
        counted.payment_method_id,
        counted.payment_method_type,
        counted.brand,
        counted.country,
        counted.network_decline_code,
        counted.network_advice_code,
        counted.advice_code,
        coalesce(attempts.number, 1) as attempt_number,
        counted.is_late
    from counted
    left join codes on counted.decline_code = codes.decline_code
    left join forbidden on counted.id = forbidden.id
    left join first_recoveries on counted.id = first_recoveries.id
    left join invoices
        on counted.invoice_id = invoices.id and counted.occurred_at <= invoices.paid_at
    left join attempts on counted.id = attempts.id
)

select * from final
