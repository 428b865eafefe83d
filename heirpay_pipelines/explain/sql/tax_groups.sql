-- The published tax of a month in a country, group by group.
select region, tax_type, rate, currency, taxability_reason, is_inclusive, taxable_amount,
    tax_amount, documents
from finance.tax_summary
where month = $month and country is not distinct from $country and ($currency is null or currency = $currency)
order by currency, tax_type, rate desc, region, taxability_reason, is_inclusive
