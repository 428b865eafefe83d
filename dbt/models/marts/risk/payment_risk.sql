-- Every attempt with Radar's score and outcome, and what became known of it since.
with charges as (
    select * from {{ ref('int_charges') }}
),

outcomes as (
    select id, outcome_reason, network_status, risk_rule_id, review_id
    from {{ ref('stg_stripe__charges') }}
),

reviews as (
    select id, is_open, closed_reason from {{ ref('stg_stripe__reviews') }}
),

warnings as (
    select
        charge_id,
        min(id) as warning_id,
        min(created_at) as warned_at,
        min(fraud_type) as fraud_type
    from {{ ref('stg_stripe__early_fraud_warnings') }}
    group by charge_id
),

-- A charge can be disputed more than once: the newest tells.
disputes as (
    select *
    from (
        select
            dispute_id,
            charge_id,
            reason,
            outcome,
            row_number() over (
                partition by charge_id order by opened_at desc, dispute_id desc
            ) as place
        from {{ ref('disputes') }}
    ) as ranked
    where place = 1
),

failures as (
    select id, decline_code, decline_kind from {{ ref('int_failed_attempts') }}
),

bursts as (
    select charge_id, burst_id from {{ ref('int_card_testing') }}
),

joined as (
    select
        charges.*,
        outcomes.outcome_reason,
        outcomes.network_status,
        outcomes.risk_rule_id,
        outcomes.review_id,
        case
            when reviews.is_open then 'open'
            else reviews.closed_reason
        end as review_result,
        failures.decline_code,
        failures.decline_kind,
        warnings.warning_id,
        warnings.warned_at,
        warnings.fraud_type,
        disputes.dispute_id,
        disputes.reason as dispute_reason,
        disputes.outcome as dispute_outcome,
        bursts.burst_id,
        case
            when warnings.warning_id is not null then 'fraud'
            when
                disputes.reason = 'fraudulent'
                and disputes.outcome not in ('won', 'closed', 'prevented')
                then 'fraud'
            when bursts.burst_id is not null or failures.decline_kind = 'fraud' then 'suspected'
            when
                charges.status = 'succeeded'
                and not {{ is_unread('radar.early_fraud_warning', 'charges.created_on') }}
                then 'genuine'
            else 'unknown'
        end as fraud_label
    from charges
    inner join outcomes on charges.id = outcomes.id
    left join reviews on outcomes.review_id = reviews.id
    left join failures on charges.id = failures.id
    left join warnings on charges.id = warnings.charge_id
    left join disputes on charges.id = disputes.charge_id
    left join bursts on charges.id = bursts.charge_id
),

final as (
    select
        id as charge_id,
        payment_intent_id,
        customer_id,
        created_at as occurred_at,
        created_on as occurred_on,
        currency,
        {{ to_major('amount', 'currency') }} as amount,
        {{ to_major('amount_captured - amount_refunded', 'currency') }} as amount_kept,
        status,
        payment_flow,
        payment_method_type,
        brand,
        wallet,
        country,
        billing_country,
        issuer,
        fingerprint as payment_method_fingerprint,
        risk_score,
        risk_level,
        outcome_type,
        outcome_reason,
        network_status,
        risk_rule_id,
        three_d_secure_result,
        review_id,
        review_result,
        decline_code,
        decline_kind,
        warning_id,
        warned_at,
        fraud_type,
        dispute_id,
        dispute_reason,
        dispute_outcome,
        burst_id,
        fraud_label
    from joined
)

select * from final
