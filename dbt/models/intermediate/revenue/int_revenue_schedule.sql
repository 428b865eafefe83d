-- What each entry contributes to each month: billed in the month it is booked in, recognised day
-- by day over its service period. A day of service before the booking counts in the booking's
-- month, so a closed month is not changed and nothing is recognised before it is billed. The
-- part of an amount that the days up to a month's end make up is rounded; months take the
-- difference, so all months together are the amount exactly.
with documents as (
    select
        *,
        {{ days_between('served_from', 'served_until') }} as service_days
    from {{ ref('int_revenue_documents') }}
),

last_day as (
    select {{ reporting_date(as_of() ~ " - interval 1 microsecond") }} as date
),

months as (
    select
        calendar.month,
        least({{ month_end('calendar.month') }}, last_day.date) as last_date
    from {{ months() }} as calendar
    cross join last_day
),

spread as (
    select
        documents.entry_id,
        documents.amount,
        documents.service_days,
        months.month,
        least(
            greatest(
                {{ days_between('documents.served_from', 'months.last_date') }} + 1, 0
            ), documents.service_days
        ) as served_days
    from documents
    inner join months
        on
            months.month >= {{ month_of('documents.booked_on') }}
            and months.month <= {{ month_of(
                "greatest(cast(documents.served_until - interval 1 day as date), documents.booked_on)"
            ) }}
),

cumulated as (
    select
        *,
        cast({{ divide('cast(amount as hugeint) * served_days', 'service_days', 0, 0) }} as bigint)
            as recognised_so_far
    from spread
),

final as (
    select
        entry_id,
        month,
        case
            when month = min(month) over (partition by entry_id) then amount else 0
        end as billed,
        recognised_so_far - coalesce(lag(recognised_so_far) over (
            partition by entry_id order by month
        ), 0) as recognised
    from cumulated
)

select * from final
