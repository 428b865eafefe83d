-- The published revenue of a day, one row per currency.
select *
from finance.daily_revenue
where date = $date and ($currency is null or currency = $currency)
order by currency
