-- Sales tax of the United States by month, state and, where the tax line names one, county, city
-- or district. A payment without invoice has one amount for all of them: level combined, with the
-- customer's city.
select
    strftime(date_trunc('month', occurred_on), '%Y-%m') as period,
    coalesce(region, '') as state,
    coalesce(jurisdiction_level, 'combined') as level,
    case when jurisdiction_level = 'county' then jurisdiction else '' end as county,
    case when coalesce(jurisdiction_level, 'city') = 'city' then jurisdiction else '' end as city,
    case when jurisdiction_level = 'district' then jurisdiction else '' end as district,
    rate,
    upper(currency) as currency,
    sum(case when coalesce(taxability_reason, 'not_available') in (
        'standard_rated', 'reduced_rated', 'zero_rated', 'portion_standard_rated',
        'portion_reduced_rated', 'proportionally_rated', 'taxable_basis_reduced', 'not_available'
    ) then taxable_amount else 0 end) as taxable_sales,
    sum(case when taxability_reason in (
        'customer_exempt', 'product_exempt', 'product_exempt_holiday', 'portion_product_exempt',
        'reverse_charge'
    ) then taxable_amount else 0 end) as exempt_sales,
    sum(case when taxability_reason in ('not_collecting', 'not_subject_to_tax')
        then taxable_amount else 0 end) as sales_not_collected,
    sum(tax_amount) as tax_amount,
    sum(case when date_trunc('month', supplied_on) < date_trunc('month', occurred_on)
        then tax_amount else 0 end) as corrects_earlier_periods,
    count(distinct document_id) as documents
from finance.tax_transactions
where country = 'US' and ($month is null or date_trunc('month', occurred_on) = date_trunc('month', cast($month as date)))
group by all
order by period, state, level, county, city, district, rate, currency
