with documents as (
    select entry_id, currency, country from {{ ref('int_revenue_documents') }}
),

schedule as (
    select * from {{ ref('int_revenue_schedule') }}
),

monthly as (
    select
        schedule.month,
        documents.country,
        documents.currency,
        {{ sum_known('schedule.billed') }} as billed,
        {{ sum_known('schedule.recognised') }} as recognised
    from schedule
    inner join documents on schedule.entry_id = documents.entry_id
    group by schedule.month, documents.country, documents.currency
),

final as (
    select
        month,
        country,
        currency,
        {{ to_major('billed', 'currency') }} as billed,
        {{ to_major('recognised', 'currency') }} as recognised
    from monthly
)

select * from final
