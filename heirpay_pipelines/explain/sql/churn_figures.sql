-- The published churn of a month, one row per currency.
select *
from finance.churn_monthly
where month = $month and ($currency is null or currency = $currency)
order by currency
