-- Who moved in a month and currency, the largest of each kind first; why those who left did.
select
    movements.occurred_on,
    movements.customer_id,
    movements.movement,
    movements.mrr_before,
    movements.mrr_after,
    movements.mrr_change,
    reasons.churn_kind,
    reasons.cancellation_reason,
    reasons.subscription_id,
    reasons.unpaid_invoice_id
from intermediate.int_mrr_movements as movements
left join intermediate.int_churn_reasons as reasons
    on
        movements.movement = 'churn'
        and movements.occurred_on = reasons.occurred_on
        and movements.customer_id = reasons.customer_id
        and movements.currency = reasons.currency
where movements.month = $month and movements.currency = $currency
order by abs(movements.mrr_change) desc, movements.customer_id, movements.occurred_on
