-- Tax owed, collected, refunded and not collected, by month and jurisdiction.
select * replace (upper(currency) as currency) from finance.tax_position
order by month, country, region, tax_type, currency
