-- Usage is billed after the fact, so it is not in MRR: the mean of each metered item's last three
-- full invoiced periods, at the end of each month while the subscription lives.
with periods as (
    select *, {{ reporting_date('billed_at') }} as billed_on from {{ ref('int_usage_periods') }}
),

subscriptions as (
    select id, {{ reporting_date('ended_at') }} as ended_on from {{ ref('stg_subscriptions') }}
),

firsts as (
    select currency, min({{ month_of('billed_on') }}) as first_month from periods
    group by currency
),

months as (
    select
        calendar.date as month,
        firsts.currency,
        least(
            cast(calendar.date + interval 1 month - interval 1 day as date), {{ as_of_date() }}
        ) as as_of_date
    from {{ dates_between("date '2010-01-01'", as_of_date()) }} as calendar
    inner join firsts on calendar.date >= firsts.first_month
    where extract(day from calendar.date) = 1
),

ranked as (
    select
        months.month,
        months.as_of_date,
        periods.currency,
        periods.subscription_id,
        periods.subscription_item_id,
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

means as (
    select
        month,
        as_of_date,
        currency,
        subscription_id,
        {{ divide('sum(monthly_amount)', 'count(*)', 12, 12) }} as usage_mrr
    from ranked
    where recency <= 3
    group by month, as_of_date, currency, subscription_id, subscription_item_id
),

totals as (
    select
        months.month,
        months.as_of_date,
        months.currency,
        cast(coalesce(sum(means.usage_mrr), 0) as decimal(38, 12)) as usage_mrr,
        count(distinct means.subscription_id) as subscriptions
    from months
    left join means on months.month = means.month and months.currency = means.currency
    group by months.month, months.as_of_date, months.currency
),

published as (
    select
        month,
        as_of_date,
        currency,
        {{ publish_amount('usage_mrr', 'currency') }} as usage_mrr,
        subscriptions
    from totals
),

final as (
    select
        month,
        currency,
        usage_mrr,
        {{ in_reporting_currency('usage_mrr', 'currency', 'as_of_date') }} as usage_mrr_reporting,
        subscriptions
    from published
)

select * from final
