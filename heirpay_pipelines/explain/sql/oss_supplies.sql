-- What a row of the return is made of, by the currency that was billed.
select currency, rate_date, units_per_eur, taxable_amount, tax_amount
from intermediate.int_oss_supplies
where quarter = $quarter and supplied_quarter = $supplied_quarter and country = $country
    and rate is not distinct from $rate
order by currency
