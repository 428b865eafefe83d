-- What became in each month of the customers that it began with, by currency, in minor units. Who
-- left in the month has lost all, also when a part came back: what a customer who joined or came
-- back within the month then lost or gained is nobody's retention.
with ledger as (
    select
        customer_id,
        currency,
        date,
        {{ month_of('date') }} as month,
        mrr_before,
        mrr
    from {{ ref('int_customer_mrr_daily') }}
),

numbered as (
    select
        *,
        row_number() over (partition by customer_id, currency, month order by date) as place,
        row_number() over (partition by customer_id, currency, month order by date desc)
            as place_from_end
    from ledger
),

customers as (
    select
        customer_id,
        currency,
        month,
        max(case when place = 1 then mrr_before end) as mrr_start,
        max(case when place_from_end = 1 then mrr end) as mrr_end,
        max(case when mrr_before > 0 and mrr = 0 then 1 else 0 end) as has_churned
    from numbered
    group by customer_id, currency, month
),

kept as (
    select
        month,
        currency,
        mrr_start,
        has_churned,
        case when has_churned = 1 then 0 else mrr_end end as mrr_kept
    from customers
    where mrr_start > 0
),

final as (
    select
        month,
        currency,
        cast(sum(has_churned) as bigint) as customers_lost,
        cast(sum(greatest(mrr_start - mrr_kept, 0)) as decimal(38, 6)) as mrr_lost,
        cast(sum(greatest(mrr_kept - mrr_start, 0)) as decimal(38, 6)) as mrr_gained
    from kept
    group by month, currency
)

select * from final
