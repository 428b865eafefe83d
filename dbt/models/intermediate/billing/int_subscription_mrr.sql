-- MRR of each subscription over each stretch of its timeline; zero where it does not count.
with stretches as (
    select * from {{ ref('int_subscription_intervals') }}
),

items as (
    select
        stretch_id,
        sum(mrr_list) as mrr_list,
        sum(mrr) as mrr,
        sum(mrr_net_all) as mrr_net_all
    from {{ ref('int_item_mrr') }}
    group by stretch_id
),

final as (
    select
        stretches.stretch_id,
        stretches.subscription_id,
        stretches.customer_id,
        stretches.currency,
        stretches.status,
        stretches.basis,
        stretches.is_counted,
        stretches.is_ending,
        stretches.starts_at,
        stretches.ends_at,
        cast(coalesce(items.mrr_list, 0) as decimal(38, 12)) as mrr_list,
        cast(coalesce(items.mrr, 0) as decimal(38, 12)) as mrr,
        cast(coalesce(items.mrr_net_all, 0) as decimal(38, 12)) as mrr_net_all
    from stretches
    left join items on stretches.stretch_id = items.stretch_id
)

select * from final
