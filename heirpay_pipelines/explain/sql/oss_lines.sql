-- The tax lines of one currency of a row.
select occurred_on, movement, document_id, line_id, customer_id, supplied_on, tax_rate_id,
    taxable_amount, tax_amount
from finance.tax_transactions
where
    date_trunc('quarter', occurred_on) = $quarter
    and date_trunc('quarter', coalesce(supplied_on, occurred_on)) = $supplied_quarter
    and country = $country
    and currency = $currency
    and rate is not distinct from $rate
    and is_taxed
order by occurred_on, document_id, line_id, tax_movement_id
