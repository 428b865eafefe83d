-- Domestic returns of value added tax, goods and services tax and the like: the boxes of a month by
-- country and rate. Supplies without tax keep a box of their own by reason.
select
    strftime(date_trunc('month', occurred_on), '%Y-%m') as period,
    country,
    coalesce(region, '') as region,
    coalesce(tax_type, '') as tax_type,
    case
        when taxability_reason = 'reverse_charge' then 'reverse charge'
        when taxability_reason in (
            'customer_exempt', 'product_exempt', 'product_exempt_holiday', 'portion_product_exempt'
        ) then 'exempt'
        when taxability_reason = 'zero_rated' then 'zero-rated'
        when taxability_reason in ('not_collecting', 'not_subject_to_tax') then 'not collected'
        when rate is null then 'taxable, rate not stated'
        else 'taxable at ' || rtrim(rtrim(cast(rate as varchar), '0'), '.') || ' %'
    end as box,
    upper(currency) as currency,
    sum(taxable_amount) as net_amount,
    sum(tax_amount) as tax_amount,
    sum(case when movement in ('finalised', 'paid_after_uncollectible', 'credit_note_voided', 'one_off')
        then tax_amount else 0 end) as tax_on_sales,
    sum(case when movement in ('finalised', 'paid_after_uncollectible', 'credit_note_voided', 'one_off')
        then 0 else tax_amount end) as tax_on_reversals,
    sum(case when date_trunc('month', supplied_on) < date_trunc('month', occurred_on)
        then tax_amount else 0 end) as corrects_earlier_periods,
    sum(case when is_inclusive then tax_amount else 0 end) as tax_in_prices,
    count(distinct document_id) as documents
from finance.tax_transactions
where country is not null and country <> 'US'
    and ($month is null or date_trunc('month', occurred_on) = date_trunc('month', cast($month as date)))
group by all
order by period, country, region, tax_type, box, currency
