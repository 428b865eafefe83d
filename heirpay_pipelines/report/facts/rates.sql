-- title: Exchange rates to the reporting currency on the last complete day
-- asset: intermediate/int_exchange_rates
-- rows: select * from intermediate.int_exchange_rates where rate_date = $day

select currency, units_per_eur, reporting_units_per_eur
from intermediate.int_exchange_rates
where rate_date = (select max(rate_date) from intermediate.int_exchange_rates where rate_date <= $day)
