-- Usage is billed after the fact, so it is not in MRR: the mean of each metered item's last three
-- full invoiced periods, at the end of each month while the subscription lives.
with periods as (
    select * from {{ ref('int_usage_counted') }}
),

means as (
    select
        month,
        as_of_date,
        currency,
        subscription_id,
        {{ divide('sum(monthly_amount)', 'count(*)', 12, 12) }} as usage_mrr
    from periods
    group by month, as_of_date, currency, subscription_id, subscription_item_id
),

totals as (
    select
        month,
        as_of_date,
        currency,
        cast(coalesce(sum(usage_mrr), 0) as decimal(38, 12)) as usage_mrr,
        count(distinct subscription_id) as subscriptions
    from means
    group by month, as_of_date, currency
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
