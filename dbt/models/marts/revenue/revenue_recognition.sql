with documents as (
    select entry_id, currency from {{ ref('int_revenue_documents') }}
    where is_invoiced
),

schedule as (
    select * from {{ ref('int_revenue_schedule') }}
),

monthly as (
    select
        schedule.month,
        documents.currency,
        sum(schedule.billed) as billed,
        sum(schedule.recognised) as recognised
    from schedule
    inner join documents on schedule.entry_id = documents.entry_id
    group by schedule.month, documents.currency
),

firsts as (
    select currency, min(month) as first_month from monthly
    group by currency
),

spine as (
    select calendar.month, firsts.currency
    from {{ months() }} as calendar
    inner join firsts on calendar.month >= firsts.first_month
),

running as (
    select
        spine.month,
        spine.currency,
        coalesce(monthly.billed, 0) as billed,
        coalesce(monthly.recognised, 0) as recognised,
        sum(coalesce(monthly.billed, 0) - coalesce(monthly.recognised, 0)) over (
            partition by spine.currency order by spine.month
            rows between unbounded preceding and current row
        ) as deferred_end
    from spine
    left join monthly
        on spine.month = monthly.month and spine.currency = monthly.currency
),

final as (
    select
        month,
        currency,
        {{ to_major('deferred_end - billed + recognised', 'currency') }} as deferred_start,
        {{ to_major('billed', 'currency') }} as billed,
        {{ to_major('recognised', 'currency') }} as recognised,
        {{ to_major('deferred_end', 'currency') }} as deferred_end
    from running
)

select * from final
