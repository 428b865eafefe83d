-- Each month against each monitoring programme of the card networks, all currencies together as
-- the networks count; for the running month a straight-line forecast of its end.
with charges as (
    select * from {{ ref('int_charges') }}
    where payment_method_type = 'card' and brand in ('visa', 'mastercard')
),

payments as (
    select {{ month_of('created_on') }} as month, brand as network, count(*) as payments
    from charges
    where status = 'succeeded'
    group by {{ month_of('created_on') }}, brand
),

rates as (
    select rates.rate_date, rates.currency, rates.units_per_eur, usd.units_per_eur as usd_per_eur
    from {{ ref('int_exchange_rates') }} as rates
    inner join {{ ref('int_exchange_rates') }} as usd
        on rates.rate_date = usd.rate_date and usd.currency = 'usd'
),

case_rows as (
    select
        disputes.created_at,
        disputes.currency,
        disputes.amount,
        charges.brand as network,
        1 as disputes,
        case when disputes.reason = 'fraudulent' then 1 else 0 end as fraud_disputes,
        0 as warnings
    from {{ ref('stg_disputes') }} as disputes
    inner join charges on disputes.charge_id = charges.id
    where
        coalesce(disputes.case_type, 'chargeback') = 'chargeback'
        and disputes.status not like 'warning%'
    union all
    select
        warnings.created_at,
        charges.currency,
        charges.amount,
        charges.brand as network,
        0 as disputes,
        0 as fraud_disputes,
        1 as warnings
    from {{ ref('stg_early_fraud_warnings') }} as warnings
    inner join charges on warnings.charge_id = charges.id
),

dated_cases as (
    select
        {{ month_of(reporting_date('created_at')) }} as month,
        {{ reporting_date('created_at') }} as date,
        network,
        currency,
        disputes,
        fraud_disputes,
        warnings,
        amount
    from case_rows
),

cases as (
    select
        dated_cases.month,
        dated_cases.network,
        sum(dated_cases.disputes) as disputes,
        sum(dated_cases.fraud_disputes) as fraud_disputes,
        sum(dated_cases.warnings) as warnings,
        sum({{ usd('dated_cases.amount', 'dated_cases.currency', 'rates') }}) as amount_usd,
        sum(
            dated_cases.fraud_disputes
            * {{ usd('dated_cases.amount', 'dated_cases.currency', 'rates') }}
        ) as fraud_amount_usd
    from dated_cases
    left join rates  -- noqa: ST11
        on dated_cases.currency = rates.currency and dated_cases.date = rates.rate_date
    group by dated_cases.month, dated_cases.network
),

months as (
    select month, network from payments
    union
    select month, network from cases
),

counted as (
    select
        months.month,
        months.network,
        coalesce(payments.payments, 0) as payments,
        coalesce(previous.payments, 0) as previous_payments,
        coalesce(cases.disputes, 0) as disputes,
        coalesce(cases.fraud_disputes, 0) as fraud_disputes,
        coalesce(cases.warnings, 0) as warnings,
        coalesce(cases.amount_usd, 0) as amount_usd,
        coalesce(cases.fraud_amount_usd, 0) as fraud_amount_usd
    from months
    left join payments on months.month = payments.month and months.network = payments.network
    left join payments as previous
        on
            months.month = cast(previous.month + interval 1 month as date)
            and months.network = previous.network
    left join cases on months.month = cases.month and months.network = cases.network
),

thresholds as (
    select * from {{ ref('network_thresholds') }}
),

measured as (
    select
        counted.month,
        counted.network,
        thresholds.programme,
        thresholds.region,
        case thresholds.measure
            when 'fraud and disputes' then counted.warnings + counted.disputes
            when 'fraud disputes' then counted.fraud_disputes
            else counted.disputes
        end as cases,
        case thresholds.base
            when 'previous month' then counted.previous_payments
            else counted.payments
        end as payments,
        counted.payments as month_payments,
        case
            when thresholds.measure = 'fraud disputes' then counted.fraud_amount_usd
            else counted.amount_usd
        end as cases_usd,
        thresholds.ratio_bps,
        -- Visa's limits are passed, Mastercard's are reached: one above the first is the second.
        thresholds.cases + case when thresholds.network = 'visa' then 1 else 0 end as cases_reached,
        thresholds.cases as cases_threshold,
        coalesce(thresholds.payments, 0) as payments_threshold,
        coalesce(thresholds.volume_usd, 0) as usd_threshold,
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
),

judged as (
    select
        *,
        {{ rate('cases', 'payments', 0, 0) }} as ratio,
        cast({{ divide('cases * days_in_month', 'days_over', 0, 0, 0) }} as bigint)
            as forecast_cases,
        month_payments >= payments_threshold
        and case
            when network = 'visa' and usd_threshold > 0 then cases_usd > usd_threshold
            else cases_usd >= usd_threshold
        end as is_large_enough
    from measured
),

final as (
    select
        month,
        programme,
        network,
        region,
        cases,
        payments,
        ratio,
        cast(ratio_bps * 0.0001 as decimal(18, 6)) as ratio_threshold,
        cases_threshold,
        cast({{ round_half_even('cases_usd', 2, 6) }} as decimal(24, 3)) as cases_usd,
        coalesce(ratio >= ratio_bps * 0.0001, false)
        and coalesce(cases >= cases_reached, true)
        and is_large_enough as is_exceeded,
        forecast_cases,
        coalesce(ratio >= ratio_bps * 0.0001, false)
        and coalesce(forecast_cases >= cases_reached, true)
        and is_large_enough as is_forecast_exceeded
    from judged
)

select * from final
