with documents as (
    select entry_id, currency, product_id from {{ ref('int_revenue_documents') }}
),

schedule as (
    select * from {{ ref('int_revenue_schedule') }}
),

monthly as (
    select
        schedule.month,
        documents.product_id,
        documents.currency,
        {{ sum_known('schedule.billed') }} as billed,
        {{ sum_known('schedule.recognised') }} as recognised
    from schedule
    inner join documents on schedule.entry_id = documents.entry_id
    group by schedule.month, documents.product_id, documents.currency
),

products as (
    select id, name from {{ ref('stg_stripe__products') }}
),

final as (
    select
        monthly.month,
        monthly.product_id,
        products.name as product_name,
        monthly.currency,
        {{ to_major('monthly.billed', 'monthly.currency') }} as billed,
        {{ to_major('monthly.recognised', 'monthly.currency') }} as recognised
    from monthly
    left join products on monthly.product_id = products.id
)

select * from final
