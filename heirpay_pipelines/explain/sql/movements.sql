-- Movements of the month by kind (all customers) or one by one ($customer is given).
select
    currency,
    movement,
    case when $customer is not null then occurred_on end as occurred_on,
    count(*) as movements,
    sum(mrr_change) as mrr_change
from intermediate.int_mrr_movements
where month = $month and ($customer is null or customer_id = $customer)
group by all
order by currency, occurred_on, movement
