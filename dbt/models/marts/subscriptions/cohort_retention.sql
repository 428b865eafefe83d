with ledger as (
    select * from {{ ref('int_customer_mrr_daily') }}
),

cohorts as (
    select customer_id, currency, min({{ month_of('date') }}) as cohort_month
    from ledger
    where mrr > 0
    group by customer_id, currency
),

months as (
    select month, currency from {{ ref('int_mrr_months') }}
),

-- A customer's MRR at the end of a month is that of the last change up to it.
month_ends as (
    select
        customer_id,
        currency,
        {{ month_of('date') }} as month,
        mrr,
        lead({{ month_of('date') }}) over (
            partition by customer_id, currency order by date
        ) as next_month
    from ledger
),

held as (
    select
        cohorts.cohort_month,
        months.month,
        cohorts.currency,
        cohorts.customer_id,
        month_ends.mrr
    from month_ends
    inner join cohorts
        on
            month_ends.customer_id = cohorts.customer_id
            and month_ends.currency = cohorts.currency
    inner join months
        on
            month_ends.currency = months.currency
            and month_ends.month <= months.month
            and cohorts.cohort_month <= months.month
            and (month_ends.next_month is null or month_ends.next_month > months.month)
),

-- What a cohort began with: the MRR on the day on which each customer's first began.
initial as (
    select
        cohorts.cohort_month,
        cohorts.currency,
        count(*) as customers,
        sum(movements.mrr_after) as mrr_initial
    from cohorts
    inner join {{ ref('int_mrr_movements') }} as movements
        on
            cohorts.customer_id = movements.customer_id
            and cohorts.currency = movements.currency
            and movements.movement = 'new'
    group by cohorts.cohort_month, cohorts.currency
),

retained as (
    select
        cohort_month,
        month,
        currency,
        count(*) filter (where mrr > 0) as customers_retained,
        sum(mrr) as mrr_retained
    from held
    group by cohort_month, month, currency
),

final as (
    select
        retained.cohort_month,
        cast(
            (extract(year from retained.month) - extract(year from retained.cohort_month)) * 12
            + extract(month from retained.month) - extract(month from retained.cohort_month)
            as integer
        ) as months_since,
        retained.currency,
        initial.customers,
        retained.customers_retained,
        {{ publish_amount('initial.mrr_initial', 'retained.currency', 6) }} as mrr_initial,
        {{ publish_amount('retained.mrr_retained', 'retained.currency', 6) }} as mrr_retained,
        {{ rate('retained.customers_retained', 'initial.customers', 0, 0) }} as customer_retention,
        {{ rate('retained.mrr_retained', 'initial.mrr_initial') }} as mrr_retention
    from retained
    inner join initial
        on
            retained.cohort_month = initial.cohort_month
            and retained.currency = initial.currency
)

select * from final
