-- noqa: disable=LT02
-- MRR at the end of every month of each currency, from the first month with a customer to the
-- month of the as-of instant (whose end is the instant itself).
{%- set measures = ['mrr_list', 'mrr', 'mrr_net_all', 'mrr_ending', 'mrr_estimated'] %}
with ledger as (
    select * from {{ ref('int_customer_mrr_daily') }}
),

monthly as (
    select
        {{ month_of('date') }} as month,
        currency,
        sum(live_subscriptions_change) as live_subscriptions_change,
        sum(case
            when mrr_before = 0 and mrr > 0 then 1
            when mrr_before > 0 and mrr = 0 then -1
            else 0
        end) as customers_change
        {%- for measure in measures %},
        sum({{ measure }}_change) as {{ measure }}_change
        {%- endfor %}
    from ledger
    group by {{ month_of('date') }}, currency
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

final as (
    select
        spine.month,
        spine.currency,
        least({{ month_end('spine.month') }}, {{ as_of_date() }}) as as_of_date,
        cast(sum(coalesce(monthly.live_subscriptions_change, 0)) over by_month as bigint)
            as active_subscriptions,
        cast(sum(coalesce(monthly.customers_change, 0)) over by_month as bigint) as active_customers
        {%- for measure in measures %},
        cast(sum(coalesce(monthly.{{ measure }}_change, 0)) over by_month as decimal(38, 6))
            as {{ measure }}
        {%- endfor %}
    from spine
    left join monthly on spine.month = monthly.month and spine.currency = monthly.currency
    window by_month as (
        partition by spine.currency order by spine.month
        rows between unbounded preceding and current row
    )
)

select * from final
