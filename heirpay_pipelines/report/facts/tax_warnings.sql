-- title: Tax that may be wrong
-- asset: finance/tax_warnings
-- rows: select * from finance.tax_warnings order by seen_on desc

select
    seen_on, kind, country, region, object_id, customer_id, charged_rate, expected_rate, currency,
    amount, detail
from finance.tax_warnings
order by abs(amount) desc nulls last, seen_on desc, warning_id
limit 15
