-- title: Tax of the month by jurisdiction
-- asset: finance/tax_transactions
-- rows: select * from finance.tax_transactions where occurred_on >= $month order by country, occurred_on

-- A line counts once in a place, however many rates are charged on it there (state and city): what
-- several rates tax of one line is its largest base. Exempt lines and those on which the customer
-- owes the tax are no taxed base.
with lines as (
    select
        country,
        region,
        tax_type,
        currency,
        document_id,
        line_id,
        movement,
        case
            when sum(taxable_amount) < 0 then min(case when is_taxed then taxable_amount else 0 end)
            else max(case when is_taxed then taxable_amount else 0 end)
        end as taxable_amount,
        sum(tax_amount) as tax_amount,
        sum(tax_amount_reporting) as tax_amount_reporting
    from finance.tax_transactions
    where occurred_on >= $month and occurred_on < cast($month as date) + interval 1 month
    group by all
)

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
from lines
group by all
order by tax_amount_reporting desc nulls last, country, region, currency
