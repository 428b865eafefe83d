-- Which billed periods of metered items count at the end of each month: the last three of each item
-- while its subscription lives. A month of a currency in which none does has one row without any.
with periods as (
    select *, {{ reporting_date('billed_at') }} as billed_on from {{ ref('int_usage_periods') }}
),

subscriptions as (
    select id, {{ reporting_date('ended_at') }} as ended_on
    from {{ ref('stg_stripe__subscriptions') }}
),

firsts as (
    select currency, min({{ month_of('billed_on') }}) as first_month from periods
    group by currency
),

months as (
    select
        calendar.month,
        firsts.currency,
        least({{ month_end('calendar.month') }}, {{ as_of_date() }}) as as_of_date
    from {{ months() }} as calendar
    inner join firsts on calendar.month >= firsts.first_month
),

ranked as (
    select
        months.month,
        months.as_of_date,
        periods.currency,
        periods.subscription_id,
        periods.subscription_item_id,
        periods.customer_id,
        periods.period_starts_at,
        periods.period_ends_at,
        periods.billed_at,
        periods.amount,
        periods.monthly_amount,
        row_number() over (
            partition by months.month, periods.subscription_item_id
            order by periods.period_ends_at desc, periods.period_starts_at desc
        ) as recency
    from months
    inner join periods
        on months.currency = periods.currency and months.as_of_date >= periods.billed_on
    left join subscriptions on periods.subscription_id = subscriptions.id
    where subscriptions.ended_on is null or subscriptions.ended_on > months.as_of_date
),

final as (
    select
        months.month,
        months.as_of_date,
        months.currency,
        counted.subscription_id,
        counted.subscription_item_id,
        counted.customer_id,
        counted.period_starts_at,
        counted.period_ends_at,
        counted.billed_at,
        counted.amount,
        counted.monthly_amount
    from months
    left join ranked as counted
        on
            months.month = counted.month
            and months.currency = counted.currency
            and counted.recency <= 3
)

select * from final
