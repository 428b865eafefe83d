-- MRR of each subscription over each interval of its timeline; zero where it does not count.
with intervals as (
    select * from {{ ref('int_subscription_intervals') }}
),

items as (
    select
        interval_id,
        sum(mrr_list) as mrr_list,
        sum(mrr) as mrr,
        sum(mrr_net_all) as mrr_net_all
    from {{ ref('int_item_mrr') }}
    group by interval_id
),

final as (
    select
        intervals.interval_id,
        intervals.subscription_id,
        intervals.customer_id,
        intervals.currency,
        intervals.status,
        intervals.basis,
        intervals.is_counted,
        intervals.is_ending,
        intervals.starts_at,
        intervals.ends_at,
        cast(coalesce(items.mrr_list, 0) as decimal(38, 12)) as mrr_list,
        cast(coalesce(items.mrr, 0) as decimal(38, 12)) as mrr,
        cast(coalesce(items.mrr_net_all, 0) as decimal(38, 12)) as mrr_net_all
    from intervals
    left join items on intervals.interval_id = items.interval_id
)

select * from final
