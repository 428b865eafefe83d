-- title: Tax of the month by jurisdiction
-- asset: finance/tax_transactions
-- rows: select * from finance.tax_transactions where occurred_on >= $month order by country, occurred_on

-- A line counts once in a place, however many rates are charged on it there (state and city): what
-- several rates tax of one line is its largest base. Exempt lines and those on which the customer
-- owes the tax are no taxed base.
with taxed as (
    select
        *,
        case
            when tax_amount <> 0 or coalesce(taxability_reason, 'not_available') in (
                'standard_rated', 'reduced_rated', 'zero_rated', 'portion_standard_rated',
                'portion_reduced_rated', 'proportionally_rated', 'taxable_basis_reduced',
                'not_available'
            ) then taxable_amount
            else 0
        end as base
    from finance.tax_transactions
    where occurred_on >= $month and occurred_on < cast($month as date) + interval 1 month
),

lines as (
    select
        country,
        region,
        tax_type,
        currency,
        document_id,
        line_id,
        movement,
        case when sum(base) < 0 then min(base) else max(base) end as taxable_amount,
        sum(tax_amount) as tax_amount,
        sum(tax_amount_reporting) as tax_amount_reporting
    from taxed
    group by country, region, tax_type, currency, document_id, line_id, movement
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
group by country, region, tax_type, currency
order by tax_amount_reporting desc nulls last, country, region, currency
