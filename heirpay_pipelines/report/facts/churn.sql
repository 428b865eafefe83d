-- title: Churn and retention of the month and the one before
-- asset: finance/churn_monthly
-- rows: select * from finance.churn_monthly order by month desc, currency

select
    month, currency, customers_start, customers_new, customers_churned, customers_end,
    customer_churn_rate, mrr_start, mrr_churned, mrr_contraction, mrr_end,
    gross_mrr_churn_rate, net_mrr_churn_rate, gross_revenue_retention, net_revenue_retention,
    concat(
        'heirpay explain churn --month ', strftime(month, '%Y-%m'), ' --currency ', currency
    ) as explain
from finance.churn_monthly
where month in (cast($month as date), cast($month as date) - interval 1 month)
order by month desc, currency
