-- Every rate that was charged against the one then in force; what is not compared says why. Of a
-- month those that were still charged in it, since they began.
select * replace (upper(currency) as currency) from finance.tax_rate_checks
where $month is null or (
    date_trunc('month', first_charged_on) <= cast($month as date) and last_charged_on >= cast($month as date)
)
order by status, country, region, jurisdiction, tax_type, charged_rate, currency
