-- The lines of one group of a month's tax: each a document of Stripe's and a line of it.
select occurred_on, document_type, document_id, line_id, movement, supplied_on, customer_id,
    jurisdiction, tax_rate_id, taxable_amount, tax_amount
from finance.tax_transactions
where
    date_trunc('month', occurred_on) = $month
    and country is not distinct from $country
    and currency = $currency
    and region is not distinct from $region
    and tax_type is not distinct from $tax_type
    and rate is not distinct from $rate
    and taxability_reason is not distinct from $taxability_reason
    and is_inclusive is not distinct from $is_inclusive
order by occurred_on, document_id, line_id, tax_movement_id
