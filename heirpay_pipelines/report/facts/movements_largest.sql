-- title: Customers whose MRR moved in the month
-- asset: finance/mrr_movements
-- rows: select * from finance.mrr_movements where occurred_on >= $month order by abs(mrr_change_reporting) desc nulls last

select
    occurred_on, customer_id, currency, movement, mrr_before, mrr_after, mrr_change,
    mrr_change_reporting,
    -- An id that the merchant chose may be anything; only a plain one is put into a command.
    case
        when regexp_full_match(customer_id, '[A-Za-z0-9_-]+')
            then concat(
                'heirpay explain mrr --customer ', customer_id, ' --month ',
                strftime(occurred_on, '%Y-%m')
            )
    end as explain
from finance.mrr_movements
where occurred_on >= $month and occurred_on < cast($month as date) + interval 1 month
order by abs(mrr_change_reporting) desc nulls last, customer_id
limit 25
