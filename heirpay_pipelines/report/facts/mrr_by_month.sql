-- title: Monthly recurring revenue by currency
-- asset: finance/mrr_monthly
-- rows: select month, currency, mrr, mrr_reporting from finance.mrr_monthly order by month, currency

select month, currency, mrr, mrr_reporting, active_customers
from finance.mrr_monthly
where month > cast($as_of_date as date) - interval 18 month
order by month, currency
