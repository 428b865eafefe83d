-- The documents behind tax that was collected and refunded: minor units.
select direction, occurred_on, document_id, customer_id, sum(amount) as amount
from intermediate.int_tax_collected
where date_trunc('month', occurred_on) = $month and country is not distinct from $country
    and currency = $currency
group by all
order by direction, occurred_on, document_id
