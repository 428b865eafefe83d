-- Every rate that was charged against the one then in force; what is not compared says why.
select * replace (upper(currency) as currency) from finance.tax_rate_checks
order by status, country, region, jurisdiction, tax_type, charged_rate, currency
