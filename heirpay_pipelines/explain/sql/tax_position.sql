-- What customers paid and got back of a country's tax in a month.
select currency, sum(tax_collected) as tax_collected, sum(tax_refunded) as tax_refunded,
    sum(tax_not_collected) as tax_not_collected
from finance.tax_position
where month = $month and country is not distinct from $country
    and ($currency is null or currency = $currency)
group by currency
