-- Early fraud warnings of the cards' issuers, with what is left to do about each.
with warnings as (
    select * from {{ ref('stg_stripe__early_fraud_warnings') }}
),

charges as (
    select * from {{ ref('int_charges') }}
),

disputed as (
    select charge_id, min(dispute_id) as dispute_id from {{ ref('disputes') }} group by charge_id
),

final as (
    select
        warnings.id as warning_id,
        warnings.charge_id,
        charges.customer_id,
        warnings.created_at as warned_at,
        {{ reporting_date('warnings.created_at') }} as warned_on,
        warnings.fraud_type,
        warnings.is_actionable,
        charges.created_at as paid_at,
        charges.currency,
        {{ to_major('charges.amount_captured', 'charges.currency') }} as amount,
        {{ to_major('charges.amount_refunded', 'charges.currency') }} as amount_refunded,
        charges.brand,
        charges.country,
        charges.risk_score,
        disputed.dispute_id,
        case
            when disputed.dispute_id is not null then 'answer_dispute'
            when charges.amount_refunded >= charges.amount_captured then 'none'
            when warnings.is_actionable then 'refund'
            else 'watch'
        end as recommended_action
    from warnings
    left join charges on warnings.charge_id = charges.id
    left join disputed on warnings.charge_id = disputed.charge_id
)

select * from final
