-- One movement per customer, currency and day with a change of MRR, in minor units.
with ledger as (
    select * from {{ ref('int_customer_mrr_daily') }}
),

final as (
    select
        date as occurred_on,
        {{ month_of('date') }} as month,
        customer_id,
        currency,
        case
            when mrr_before = 0 and not was_customer_before then 'new'
            when mrr_before = 0 then 'reactivation'
            when mrr = 0 then 'churn'
            when mrr > mrr_before then 'expansion'
            else 'contraction'
        end as movement,
        mrr_before,
        mrr as mrr_after,
        mrr_change,
        mrr_estimated <> 0 or mrr_estimated_change <> 0 as is_estimated
    from ledger
    where mrr_change <> 0
)

select * from final
