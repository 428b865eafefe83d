-- A day's net volume is its activity in the balance reconciliation.
select revenue.date, revenue.currency
from {{ ref('daily_revenue') }} as revenue
left join {{ ref('balance_reconciliation') }} as balance
    on revenue.date = balance.date and revenue.currency = balance.currency
where revenue.net_volume <> coalesce(balance.activity, 0)
