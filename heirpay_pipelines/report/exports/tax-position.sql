-- Tax owed, collected, refunded and not collected, by month and jurisdiction.
select * replace (upper(currency) as currency) from finance.tax_position
where ($month is null or date_trunc('month', month) = date_trunc('month', cast($month as date)))
order by month, country, region, tax_type, currency
