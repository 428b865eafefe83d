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

disputes as (
    select
        {{ month_of(reporting_date('disputes.created_at')) }} as month,
        charges.brand as network,
        count(*) as disputes,
        sum(case when disputes.reason = 'fraudulent' then 1 else 0 end) as fraud_disputes
    from {{ ref('stg_disputes') }} as disputes
    inner join charges on disputes.charge_id = charges.id
    where
        coalesce(disputes.case_type, 'chargeback') = 'chargeback'
        and disputes.status not like 'warning%'
    group by {{ month_of(reporting_date('disputes.created_at')) }}, charges.brand
),

warnings as (
    select
        {{ month_of(reporting_date('warnings.created_at')) }} as month,
        charges.brand as network,
        count(*) as warnings
    from {{ ref('stg_early_fraud_warnings') }} as warnings
    inner join charges on warnings.charge_id = charges.id
    group by {{ month_of(reporting_date('warnings.created_at')) }}, charges.brand
),

months as (
    select month, network from payments
    union
    select month, network from disputes
    union
    select month, network from warnings
),

counted as (
    select
        months.month,
        months.network,
        coalesce(payments.payments, 0) as payments,
        coalesce(previous.payments, 0) as previous_payments,
        coalesce(disputes.disputes, 0) as disputes,
        coalesce(disputes.fraud_disputes, 0) as fraud_disputes,
        coalesce(warnings.warnings, 0) as warnings
    from months
    left join payments on months.month = payments.month and months.network = payments.network
    left join payments as previous
        on
            months.month = cast(previous.month + interval 1 month as date)
            and months.network = previous.network
    left join disputes on months.month = disputes.month and months.network = disputes.network
    left join warnings on months.month = warnings.month and months.network = warnings.network
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
        thresholds.ratio_bps,
        thresholds.cases as cases_threshold,
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

final as (
    select
        month,
        programme,
        network,
        region,
        cases,
        payments,
        {{ rate('cases', 'payments', 0, 0) }} as ratio,
        cast(ratio_bps * 0.0001 as decimal(18, 6)) as ratio_threshold,
        cases_threshold,
        coalesce({{ rate('cases', 'payments', 0, 0) }} >= ratio_bps * 0.0001, false)
        -- Visa's count is passed, Mastercard's is reached.
        and cases >= cases_threshold + case when network = 'visa' then 1 else 0 end
            as is_exceeded,
        cast({{ divide('cases * days_in_month', 'days_over', 0, 0, 0) }} as bigint)
            as forecast_cases,
        {{ divide('cases * days_in_month', 'days_over', 0, 0, 0) }}
        >= cases_threshold + case when network = 'visa' then 1 else 0 end
        and coalesce({{ rate('cases', 'payments', 0, 0) }} >= ratio_bps * 0.0001, false)
            as is_forecast_exceeded
    from measured
)

select * from final
