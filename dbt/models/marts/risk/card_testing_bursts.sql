-- Bursts of card testing: somebody tries stolen cards with small payments.
with members as (
    select charges.*, testing.burst_id
    from {{ ref('int_card_testing') }} as testing
    inner join {{ ref('int_charges') }} as charges on testing.charge_id = charges.id
),

warnings as (
    select distinct charge_id from {{ ref('stg_stripe__early_fraud_warnings') }}
),

totals as (
    select
        members.burst_id,
        members.currency,
        min(members.created_at) as started_at,
        max(members.created_at) as ended_at,
        count(*) as attempts,
        count(case when members.status = 'failed' then 1 end) as failed,
        count(case when members.outcome_type = 'blocked' then 1 end) as blocked,
        count(case when members.status = 'succeeded' then 1 end) as succeeded,
        count(distinct members.fingerprint) as cards,
        count(distinct members.customer_id) as customers,
        count(case when members.customer_id is null then 1 end) as guest_attempts,
        count(warnings.charge_id) as early_fraud_warnings,
        min(members.amount) as smallest,
        max(members.amount) as largest,
        sum(members.amount) as attempted,
        sum(case when members.status = 'succeeded' then members.amount_captured else 0 end)
            as taken,
        sum(
            case
                when members.status = 'succeeded'
                    then members.amount_captured - members.amount_refunded
                else 0
            end
        ) as not_refunded,
        {{ text_list('members.country') }} as countries
    from members
    left join warnings on members.id = warnings.charge_id
    group by members.burst_id, members.currency
),

final as (
    select
        burst_id,
        currency,
        started_at,
        ended_at,
        {{ reporting_date('started_at') }} as started_on,
        attempts,
        failed,
        blocked,
        succeeded,
        {{ rate('failed', 'attempts', 0, 0) }} as failed_share,
        cards,
        customers,
        guest_attempts,
        case
            when not {{ is_unread('radar.early_fraud_warning', reporting_date('started_at')) }}
                then early_fraud_warnings
        end as early_fraud_warnings,
        {{ to_major('smallest', 'currency') }} as smallest_amount,
        {{ to_major('largest', 'currency') }} as largest_amount,
        {{ to_major('attempted', 'currency') }} as amount_attempted,
        {{ to_major('taken', 'currency') }} as amount_taken,
        {{ to_major('not_refunded', 'currency') }} as amount_not_refunded,
        countries
    from totals
)

select * from final
