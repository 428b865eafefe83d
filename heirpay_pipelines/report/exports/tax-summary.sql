-- Tax by month and jurisdiction, as published.
select * replace (upper(currency) as currency) from finance.tax_summary
order by month, country, region, tax_type, rate, currency, taxability_reason, is_inclusive
