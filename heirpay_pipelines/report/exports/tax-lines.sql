-- Every change of tax liability by document and line, as published.
select
    occurred_on, supplied_on, document_type, document_id, line_id, movement, invoice_id, customer_id,
    country, region, jurisdiction, jurisdiction_level, tax_type, rate, taxability_reason,
    is_inclusive, upper(currency) as currency, taxable_amount, tax_amount, tax_amount_reporting
from finance.tax_transactions
where ($month is null or date_trunc('month', occurred_on) = date_trunc('month', cast($month as date)))
order by occurred_on, document_id, line_id, tax_movement_id
