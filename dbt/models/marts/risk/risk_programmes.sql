-- Each month against each monitoring programme of the card networks, all currencies together as
-- the networks count; for the running month a straight-line forecast of its end.
with counted as (
    select
        month,
        network,
        sum(attempts) as attempts,
        sum(enumerated) as enumerated,
        sum(payments) as payments,
        sum(authenticated) as authenticated,
        sum(disputes) as disputes,
        sum(fraud_disputes) as fraud_disputes,
        -- Unknown when they are of one of its days.
        case when count(warnings) = count(*) then sum(warnings) end as warnings,
        sum(amount_usd) as amount_usd,
        sum(fraud_amount_usd) as fraud_amount_usd
    from {{ ref('int_network_cases') }}
    group by month, network
),

thresholds as (
    select * from {{ ref('int_programmes') }}
),

measured as (
    select
        counted.month,
        counted.network,
        thresholds.programme,
        thresholds.region,
        thresholds.applies,
        {{ programme_cases('counted', 'thresholds') }} as cases,
        {{ programme_cases_at_least('counted', 'thresholds') }} as cases_at_least,
        case thresholds.base
            when 'previous month' then coalesce(previous.payments, 0)
            when 'attempts of the month' then counted.attempts
            else counted.payments
        end as payments,
        counted.payments as month_payments,
        counted.authenticated,
        {{ programme_usd('counted', 'thresholds') }} as cases_usd,
        thresholds.ratio_bps,
        thresholds.is_passed,
        -- One above a limit that must be passed is the first that counts.
        thresholds.cases + case when thresholds.is_passed then 1 else 0 end as cases_reached,
        thresholds.cases as cases_threshold,
        coalesce(thresholds.payments, 0) as payments_threshold,
        coalesce(thresholds.volume_usd, 0) as usd_threshold,
        thresholds.three_d_secure_bps,
        -- The share of the month that is over, as of the instant.
        least(
            {{ days_between('counted.month', as_of_date()) }} + 1,
            {{ days_between('counted.month', 'cast(counted.month + interval 1 month as date)') }}
        ) as days_over,
        {{ days_between('counted.month', 'cast(counted.month + interval 1 month as date)') }}
            as days_in_month
    from counted
    inner join thresholds
        on
            counted.network = thresholds.network
            and counted.month >= {{ month_of('thresholds.valid_from') }}
            and counted.month <= coalesce(thresholds.valid_until, date '9999-12-31')
    left join counted as previous
        on
            counted.month = cast(previous.month + interval 1 month as date)
            and counted.network = previous.network
),

judged as (
    select
        *,
        {{ rate('cases', 'payments', 0, 0) }} as ratio,
        {{ rate('cases_at_least', 'payments', 0, 0) }} as ratio_at_least,
        {{ rate('authenticated', 'month_payments', 0, 0) }} as three_d_secure_share,
        cast({{ divide('cases * days_in_month', 'days_over', 0, 0, 0) }} as bigint)
            as forecast_cases,
        cast({{ divide('cases_at_least * days_in_month', 'days_over', 0, 0, 0) }} as bigint)
            as forecast_at_least,
        applies
        and month_payments >= payments_threshold
        and coalesce(authenticated * 10000 < three_d_secure_bps * month_payments, true)
        and case
            when is_passed and usd_threshold > 0 then coalesce(cases_usd, 0) > usd_threshold
            else coalesce(cases_usd, 0) >= usd_threshold
        end as is_concerned
    from measured
),

-- What is known of the cases may be enough; where it is not, and some are unknown, nobody can say.
reached as (
    select
        *,
        is_concerned
        and coalesce(ratio_at_least >= ratio_bps * 0.0001, false)
        and coalesce(cases_at_least >= cases_reached, true) as is_reached,
        is_concerned
        and coalesce(ratio_at_least >= ratio_bps * 0.0001, false)
        and coalesce(forecast_at_least >= cases_reached, true) as is_forecast_reached,
        is_concerned and cases is null as is_unknown
    from judged
),

final as (
    select
        month,
        programme,
        network,
        region,
        applies,
        cast(cases as bigint) as cases,
        cast(payments as bigint) as payments,
        ratio,
        cast(ratio_bps * 0.0001 as decimal(18, 6)) as ratio_threshold,
        cases_threshold,
        cast({{ round_half_even('cases_usd', 2, 6) }} as decimal(24, 3)) as cases_usd,
        three_d_secure_share,
        case when is_reached or not is_unknown then is_reached end as is_exceeded,
        forecast_cases,
        case
            when is_forecast_reached or not is_unknown then is_forecast_reached
        end as is_forecast_exceeded
    from reached
)

select * from final
