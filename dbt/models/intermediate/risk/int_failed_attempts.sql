-- Every failed attempt with its decline code, and what the networks' rules say of another one.
with charges as (
    select * from {{ ref('stg_stripe__charges') }}
    where status = 'failed'
),

-- A debit that comes back days later failed when its money went, not when it was made. The charge
-- names that movement, whose own source may be a refund; an older one names the charge.
failure_movements as (
    select ledger_id, source_id, occurred_at from {{ ref('int_ledger') }}
    where category = 'charge_failure'
),

late_failures as (
    select charge_id, min(occurred_at) as occurred_at
    from (
        select source_id as charge_id, occurred_at from failure_movements
        union all
        select charges.id as charge_id, failure_movements.occurred_at
        from charges
        inner join failure_movements
            on charges.failure_balance_transaction_id = failure_movements.ledger_id
    ) as found
    where charge_id is not null
    group by charge_id
),

failures as (
    select
        charges.id,
        charges.created_at,
        coalesce(late_failures.occurred_at, charges.created_at) as occurred_at,
        late_failures.charge_id is not null as is_late,
        coalesce(
            case when charges.failure_code = 'card_declined' then charges.outcome_reason end,
            case when charges.outcome_type = 'blocked' then charges.outcome_reason end,
            charges.failure_code,
            charges.outcome_reason,
            'unknown'
        ) as decline_code,
        charges.advice_code,
        charges.network_advice_code,
        charges.network_decline_code,
        coalesce(charges.network, charges.brand) as network,
        coalesce(charges.fingerprint, charges.id) as card,
        coalesce(charges.outcome_type, '') = 'blocked' as is_blocked
    from charges
    left join late_failures on charges.id = late_failures.charge_id
),

rules as (
    select * from {{ ref('retry_rules') }}
),

-- What Radar blocked never reached a network: it does not count there.
numbered as (
    select *, row_number() over (partition by card order by created_at, id) as place
    from failures
    where not is_blocked
),

-- So many failures with one card in so many hours: the next waits until the first of them is out
-- of the window.
full_windows as (
    select
        numbered.id,
        max(
            rules.network || ' ' || cast(rules.attempts as varchar)
            || ' in ' || cast(rules.hours as varchar) || ' hours'
        ) as rule,
        max(first_of_window.created_at + {{ hours('rules.hours') }}) as ends_at
    from numbered
    inner join rules
        on
            numbered.network = rules.network
            and rules.attempts is not null
            and numbered.created_at >= rules.valid_from
    inner join numbered as first_of_window
        on
            numbered.card = first_of_window.card
            and numbered.place - rules.attempts + 1 = first_of_window.place
    where first_of_window.created_at + {{ hours('rules.hours') }} > numbered.created_at
    group by numbered.id
),

by_code as (
    select
        numbered.id,
        max(case when rules.never then rules.code_type || ' ' || rules.code end) as never_rule,
        max(case when not rules.never then rules.code_type || ' ' || rules.code end) as timed_rule,
        max(case when not rules.never then numbered.occurred_at + {{ hours('rules.hours') }} end)
            as waits_until
    from numbered
    inner join rules
        on
            numbered.network = rules.network
            and numbered.created_at >= rules.valid_from
            and case rules.code_type
                when 'response' then numbered.network_decline_code
                when 'advice' then numbered.network_advice_code
            end = rules.code
    group by numbered.id
),

codes as (
    select * from {{ ref('decline_codes') }}
),

judged as (
    select
        failures.*,
        -- An unknown code is not tried again: what forbids it is not known either.
        coalesce(codes.kind, 'hard') as decline_kind,
        codes.decline_code is not null as is_known_code,
        case
            when codes.decline_code is null then 'unknown decline code'
            when not codes.retry_allowed then 'decline code'
            when by_code.never_rule is not null then failures.network || ' ' || by_code.never_rule
            when failures.advice_code in ('do_not_try_again', 'confirm_card_data')
                then 'stripe advice ' || failures.advice_code
        end as forbidden_by,
        full_windows.rule as window_rule,
        full_windows.ends_at as window_ends_at,
        by_code.timed_rule,
        by_code.waits_until
    from failures
    left join codes on failures.decline_code = codes.decline_code
    left join full_windows on failures.id = full_windows.id
    left join by_code on failures.id = by_code.id
),

final as (
    select
        id,
        created_at,
        occurred_at,
        is_late,
        decline_code,
        decline_kind,
        is_known_code,
        is_blocked,
        network_decline_code,
        network_advice_code,
        advice_code,
        forbidden_by is null and window_rule is null as retry_allowed,
        coalesce(
            forbidden_by,
            window_rule,
            case when timed_rule is not null then network || ' ' || timed_rule end
        ) as retry_rule,
        case
            when forbidden_by is null
                then greatest(
                    occurred_at,
                    coalesce(window_ends_at, occurred_at),
                    coalesce(waits_until, occurred_at)
                )
        end as retry_not_before
    from judged
)

select * from final
