-- Tax owed, collected, refunded and not collected, by month and jurisdiction.
select * from finance.tax_position
order by month, country, region, tax_type, currency
