-- What the card networks count: a row per day and network with cases and payments, all currencies
-- together, amounts of the cases in dollars at the ECB's rate of their day.
with charges as (
    select * from {{ ref('int_charges') }}
    where payment_method_type = 'card' and brand in ('visa', 'mastercard')
),

rates as (
    select rates.rate_date, rates.currency, rates.units_per_eur, usd.units_per_eur as usd_per_eur
    from {{ ref('int_exchange_rates') }} as rates
    inner join {{ ref('int_exchange_rates') }} as usd
        on rates.rate_date = usd.rate_date and usd.currency = 'usd'
),

case_rows as (
    select
        {{ reporting_date('disputes.created_at') }} as date,
        disputes.currency,
        disputes.amount,
        charges.brand as network,
        1 as disputes,
        case when disputes.reason = 'fraudulent' then 1 else 0 end as fraud_disputes,
        0 as warnings
    from {{ ref('stg_stripe__disputes') }} as disputes
    inner join charges on disputes.charge_id = charges.id
    -- An inquiry is no chargeback yet.
    where
        coalesce(disputes.case_type, 'chargeback') = 'chargeback'
        and disputes.status not like 'warning%'
    union all
    select
        {{ reporting_date('warnings.created_at') }} as date,
        charges.currency,
        charges.amount,
        charges.brand as network,
        0 as disputes,
        0 as fraud_disputes,
        1 as warnings
    from {{ ref('stg_stripe__early_fraud_warnings') }} as warnings
    inner join charges on warnings.charge_id = charges.id
),

cases as (
    select
        case_rows.date,
        case_rows.network,
        sum(case_rows.disputes) as disputes,
        sum(case_rows.fraud_disputes) as fraud_disputes,
        sum(case_rows.warnings) as warnings,
        sum({{ usd('case_rows.amount', 'case_rows.currency', 'rates') }}) as amount_usd,
        sum(
            case_rows.fraud_disputes
            * {{ usd('case_rows.amount', 'case_rows.currency', 'rates') }}
        ) as fraud_amount_usd
    from case_rows
    left join rates  -- noqa: ST11
        on case_rows.currency = rates.currency and case_rows.date = rates.rate_date
    group by case_rows.date, case_rows.network
),

payments as (
    select
        charges.created_on as date,
        charges.brand as network,
        count(*) as attempts,
        count(testing.charge_id) as enumerated,
        count(case when charges.status = 'succeeded' then 1 end) as payments,
        count(
            case
                when
                    charges.status = 'succeeded'
                    and charges.three_d_secure_result in ('authenticated', 'attempt_acknowledged')
                    then 1
            end
        ) as authenticated
    from charges
    left join {{ ref('int_card_testing') }} as testing on charges.id = testing.charge_id
    group by charges.created_on, charges.brand
),

days as (
    select date, network from cases
    union
    select date, network from payments
),

final as (
    select
        days.date,
        {{ month_of('days.date') }} as month,
        days.network,
        coalesce(payments.attempts, 0) as attempts,
        coalesce(payments.enumerated, 0) as enumerated,
        coalesce(payments.payments, 0) as payments,
        coalesce(payments.authenticated, 0) as authenticated,
        coalesce(cases.disputes, 0) as disputes,
        coalesce(cases.fraud_disputes, 0) as fraud_disputes,
        case
            when not {{ is_unread('radar.early_fraud_warning', 'days.date') }}
                then coalesce(cases.warnings, 0)
        end as warnings,
        coalesce(cases.amount_usd, 0) as amount_usd,
        coalesce(cases.fraud_amount_usd, 0) as fraud_amount_usd
    from days
    left join payments on days.date = payments.date and days.network = payments.network
    left join cases on days.date = cases.date and days.network = cases.network
)

select * from final
