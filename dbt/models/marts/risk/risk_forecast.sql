-- When each monitoring programme will be crossed if it goes on as in the last 28 days: the days
-- from the as-of date to the end of next month are gone through one by one. Networks count by
-- calendar month, so the second month begins at zero.
{%- set pace_days = 28 %}
with cases as (
    select * from {{ ref('int_network_cases') }}
),

thresholds as (
    select * from {{ ref('int_programmes') }}
    where
        applies
        and valid_from <= {{ as_of_date() }}
        and coalesce(valid_until, date '9999-12-31') >= {{ as_of_date() }}
),

networks as (
    select distinct network from thresholds
),

sums as (
    select
        networks.network,
        {%- for name, condition in [
            ('month', 'cases.month = ' ~ month_of(as_of_date())),
            ('previous', 'cases.month = cast(' ~ month_of(as_of_date())
                ~ ' - interval 1 month as date)'),
            ('pace', 'cases.date > ' ~ as_of_date() ~ ' - interval ' ~ pace_days ~ ' day')
        ] %}
        {%- for column in [
            'attempts', 'enumerated', 'payments', 'authenticated', 'disputes', 'fraud_disputes',
            'amount_usd', 'fraud_amount_usd'
        ] %}
        coalesce(sum(case when {{ condition }} then cases.{{ column }} end), 0)
            as {{ name }}_{{ column }},
        {%- endfor %}
        case
            when not {{ is_unread('radar.early_fraud_warning', as_of_date()) }}
                then coalesce(sum(case when {{ condition }} then cases.warnings end), 0)
        end as {{ name }}_warnings,
        {%- endfor %}
        count(*) as days
    from networks
    left join cases on networks.network = cases.network and cases.date <= {{ as_of_date() }}
    group by networks.network
),

-- One row per period, in the columns that the programmes are measured by.
intervals as (
    {%- for name in ['month', 'pace'] %}
    select
        '{{ name }}' as period_kind,
        network,
        {{ name }}_attempts as attempts,
        {{ name }}_enumerated as enumerated,
        {{ name }}_payments as payments,
        {{ name }}_authenticated as authenticated,
        {{ name }}_disputes as disputes,
        {{ name }}_fraud_disputes as fraud_disputes,
        {{ name }}_warnings as warnings,
        {{ name }}_amount_usd as amount_usd,
        {{ name }}_fraud_amount_usd as fraud_amount_usd,
        previous_payments
    from sums
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

measured as (
    select
        thresholds.programme,
        thresholds.region,
        intervals.*,
        {{ programme_cases('intervals', 'thresholds') }} as cases,
        {{ programme_cases_at_least('intervals', 'thresholds') }} as cases_at_least,
        case
            when thresholds.base = 'attempts of the month' then intervals.attempts
            else intervals.payments
        end as base_payments,
        {{ programme_usd('intervals', 'thresholds') }} as cases_usd,
        thresholds.base,
        thresholds.ratio_bps,
        thresholds.cases as cases_threshold,
        thresholds.cases + case when thresholds.is_passed then 1 else 0 end as cases_reached,
        thresholds.is_passed,
        coalesce(thresholds.payments, 0) as payments_threshold,
        coalesce(thresholds.volume_usd, 0) as usd_threshold,
        thresholds.three_d_secure_bps
    from thresholds
    inner join intervals on thresholds.network = intervals.network
),

days as (
    select
        date,
        {{ month_of('date') }} as month,
        {{ days_between(as_of_date(), 'date') }} as days_ahead,
        extract(day from date) as day_of_month
    from {{ dates_between(
        as_of_date(), month_end('cast(' ~ month_of(as_of_date()) ~ ' + interval 1 month as date)')
    ) }}
),

-- Everything times the days of the pace, so that it stays whole numbers.
projected as (
    select
        so_far.programme,
        so_far.region,
        days.date,
        {%- for column in [
            'cases_at_least', 'base_payments', 'payments', 'authenticated', 'cases_usd'
        ] %}
        case
            when days.month = {{ month_of(as_of_date()) }}
                then so_far.{{ column }} * {{ pace_days }} + pace.{{ column }} * days.days_ahead
            else pace.{{ column }} * days.day_of_month
        end as {{ column }},
        {%- endfor %}
        case
            when days.month = {{ month_of(as_of_date()) }}
                then so_far.previous_payments * {{ pace_days }}
            else
                so_far.payments * {{ pace_days }} + pace.payments * {{ days_between(
                    as_of_date(), month_end(month_of(as_of_date()))
                ) }}
        end as month_before_payments,
        so_far.base,
        so_far.ratio_bps,
        so_far.cases_reached,
        so_far.is_passed,
        so_far.payments_threshold,
        so_far.usd_threshold,
        so_far.three_d_secure_bps
    from measured as so_far
    inner join measured as pace
        on
            so_far.programme = pace.programme
            and so_far.region = pace.region
            and pace.period_kind = 'pace'
    cross join days
    where so_far.period_kind = 'month'
),

crossings as (
    select programme, region, min(date) as crosses_on
    from projected
    where
        cases_at_least > 0
        and cases_at_least >= coalesce(cases_reached, 0) * {{ pace_days }}
        and cases_at_least * 10000 >= ratio_bps
        * case when base = 'previous month' then month_before_payments else base_payments end
        and case when base = 'previous month' then month_before_payments else base_payments end > 0
        and payments >= payments_threshold * {{ pace_days }}
        and coalesce(authenticated * 10000 < three_d_secure_bps * payments, true)
        and case
            when is_passed and usd_threshold > 0
                then coalesce(cases_usd, 0) > usd_threshold * {{ pace_days }}
            else coalesce(cases_usd, 0) >= usd_threshold * {{ pace_days }}
        end
    group by programme, region
),

final as (
    select
        so_far.programme,
        so_far.network,
        so_far.region,
        {{ month_of(as_of_date()) }} as month,
        cast(so_far.cases as bigint) as cases,
        cast(
            case
                when so_far.base = 'previous month' then so_far.previous_payments
                else so_far.base_payments
            end as bigint
        ) as payments,
        {{ rate(
            'so_far.cases',
            "case when so_far.base = 'previous month' then so_far.previous_payments "
            ~ "else so_far.base_payments end", 0, 0
        ) }} as ratio,
        cast(so_far.ratio_bps * 0.0001 as decimal(18, 6)) as ratio_threshold,
        so_far.cases_threshold,
        cast(pace.cases as bigint) as cases_in_28_days,
        cast(pace.base_payments as bigint) as payments_in_28_days,
        crossings.crosses_on,
        {{ days_between(as_of_date(), 'crossings.crosses_on') }} as days_left
    from measured as so_far
    inner join measured as pace
        on
            so_far.programme = pace.programme
            and so_far.region = pace.region
            and pace.period_kind = 'pace'
    left join crossings
        on so_far.programme = crossings.programme and so_far.region = crossings.region
    where so_far.period_kind = 'month'
)

select * from final
