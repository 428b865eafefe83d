-- title: Tax of the month by jurisdiction
-- asset: finance/tax_transactions
-- rows: select * from finance.tax_transactions where occurred_on >= $month order by country, occurred_on

select
    country,
    region,
    tax_type,
    currency,
    sum(taxable_amount) as taxable_amount,
    sum(tax_amount) as tax_amount,
    sum(tax_amount_reporting) as tax_amount_reporting,
    count(distinct document_id) as documents,
    concat(
        'heirpay explain tax --country ', country, ' --month ', strftime($month, '%Y-%m'),
        ' --currency ', currency
    ) as explain
from finance.tax_transactions
where occurred_on >= $month and occurred_on < cast($month as date) + interval 1 month
group by all
order by tax_amount_reporting desc nulls last, country, region, currency
