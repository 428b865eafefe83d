-- title: MRR by currency
-- asset: finance/mrr_monthly
-- rows: select * from finance.mrr_monthly order by month desc, currency

with changes as (
    select
        currency,
        sum(mrr_change) as change,
        sum(mrr_change_reporting) as change_reporting
    from finance.mrr_movements
    where occurred_on > $day_before
    group by currency
)

select
    monthly.currency,
    monthly.mrr,
    monthly.mrr_reporting,
    monthly.active_subscriptions,
    monthly.active_customers,
    monthly.arpa,
    coalesce(changes.change, 0) as change,
    coalesce(changes.change_reporting, 0) as change_reporting,
    concat(
        'heirpay explain mrr --month ', strftime(monthly.month, '%Y-%m'),
        ' --currency ', monthly.currency
    ) as explain
from finance.mrr_monthly as monthly
left join changes on monthly.currency = changes.currency
where monthly.month = (select max(month) from finance.mrr_monthly where month <= $as_of_date)
order by monthly.mrr_reporting desc nulls last, monthly.currency
