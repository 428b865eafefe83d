-- title: Exchange rates to the reporting currency on the last complete day
-- asset: intermediate/exchange_rates
-- rows: select * from intermediate.exchange_rates where rate_date = $day

select currency, units_per_eur, reporting_units_per_eur
from intermediate.exchange_rates
where rate_date = (select max(rate_date) from intermediate.exchange_rates where rate_date <= $day)
