-- The published revenue recognition of a month, one row per currency.
select *
from finance.revenue_recognition
where month = $month and ($currency is null or currency = $currency)
order by currency
