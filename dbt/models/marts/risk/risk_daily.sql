-- Risk per day and currency, and the month so far against Visa's threshold in force that day.
-- Networks count by month; `risk_programmes` has every programme.
with charges as (
    select * from {{ ref('int_charges') }}
),

disputes as (
    select * from {{ ref('stg_stripe__disputes') }}
),

warnings as (
    select warnings.id, warnings.created_at, charges.currency, charges.amount
    from {{ ref('stg_stripe__early_fraud_warnings') }} as warnings
    inner join charges on warnings.charge_id = charges.id
),

together as (
    select
        created_on as date,
        currency,
        sum(case when status = 'succeeded' then 1 else 0 end) as payments,
        sum(case when status = 'succeeded' then amount_captured else 0 end) as volume,
        sum(case when outcome_type = 'blocked' then 1 else 0 end) as blocked,
        sum(case when outcome_type = 'blocked' then amount else 0 end) as blocked_amount,
        0 as disputes,
        0 as disputed_amount,
        0 as early_fraud_warnings,
        0 as warned_amount
    from charges
    group by created_on, currency
    union all
    select
        {{ reporting_date('created_at') }} as date,
        currency,
        0 as payments,
        0 as volume,
        0 as blocked,
        0 as blocked_amount,
        count(*) as disputes,
        sum(amount) as disputed_amount,
        0 as early_fraud_warnings,
        0 as warned_amount
    from disputes
    -- An inquiry is no chargeback yet.
    where coalesce(case_type, 'chargeback') = 'chargeback' and status not like 'warning%'
    group by {{ reporting_date('created_at') }}, currency
    union all
    select
        {{ reporting_date('created_at') }} as date,
        currency,
        0 as payments,
        0 as volume,
        0 as blocked,
        0 as blocked_amount,
        0 as disputes,
        0 as disputed_amount,
        count(*) as early_fraud_warnings,
        sum(amount) as warned_amount
    from warnings
    group by {{ reporting_date('created_at') }}, currency
),

daily as (
    select
        date,
        currency,
        sum(payments) as payments,
        sum(volume) as volume,
        sum(blocked) as blocked,
        sum(blocked_amount) as blocked_amount,
        sum(disputes) as disputes,
        sum(disputed_amount) as disputed_amount,
        sum(early_fraud_warnings) as early_fraud_warnings,
        sum(warned_amount) as warned_amount
    from together
    group by date, currency
),

running as (
    select
        *,
        -- Warnings that the key may not read are unknown, and so is what counts them.
        {{ is_unread('radar.early_fraud_warning', 'date') }} as is_unread,
        sum(payments) over month_so_far as month_payments,
        sum(disputes) over month_so_far as month_disputes,
        sum(early_fraud_warnings) over month_so_far as month_fraud
    from daily
    window month_so_far as (
        partition by currency, {{ month_of('date') }} order by date
        rows between unbounded preceding and current row
    )
),

thresholds as (
    select * from {{ ref('network_thresholds') }}
    where programme = 'VAMP excessive'
),

final as (
    select
        running.date,
        running.currency,
        cast(running.payments as bigint) as payments,
        {{ to_major('running.volume', 'running.currency') }} as volume,
        cast(running.disputes as bigint) as disputes,
        {{ to_major('running.disputed_amount', 'running.currency') }} as disputed_amount,
        case
            when not running.is_unread then cast(running.early_fraud_warnings as bigint)
        end as early_fraud_warnings,
        case
            when not running.is_unread
                then {{ to_major('running.warned_amount', 'running.currency') }}
        end as early_fraud_amount,
        cast(running.blocked as bigint) as blocked,
        {{ to_major('running.blocked_amount', 'running.currency') }} as blocked_amount,
        {{ rate('running.month_disputes', 'running.month_payments', 0, 0) }} as dispute_ratio,
        case
            when not running.is_unread
                then {{ rate('running.month_fraud', 'running.month_payments', 0, 0) }}
        end as fraud_ratio,
        case
            when not running.is_unread
                then {{ rate(
                    'running.month_disputes + running.month_fraud', 'running.month_payments', 0, 0
                ) }}
        end as dispute_and_fraud_ratio,
        cast(thresholds.ratio_bps * 0.0001 as decimal(18, 6)) as ratio_threshold,
        thresholds.cases as cases_threshold,
        case
            when not running.is_unread
                then cast(running.month_disputes + running.month_fraud as bigint)
        end as month_cases,
        cast(running.month_payments as bigint) as month_payments
    from running
    left join thresholds
        on
            running.date >= thresholds.valid_from
            and running.date <= coalesce(thresholds.valid_until, date '9999-12-31')
)

select * from final
