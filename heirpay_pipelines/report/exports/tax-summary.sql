-- Tax by month and jurisdiction, as published.
select * replace (upper(currency) as currency) from finance.tax_summary
where ($month is null or date_trunc('month', month) = date_trunc('month', cast($month as date)))
order by month, country, region, tax_type, rate, currency, taxability_reason, is_inclusive
