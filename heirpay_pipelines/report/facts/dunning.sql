-- title: Open invoices to collect, the dearest first
-- asset: finance/dunning
-- rows: select * from finance.dunning order by days_past_due desc

select
    invoice_id, customer_id, currency, amount_remaining, days_past_due, attempts,
    last_decline_code, next_attempt_at, recommended_action
from finance.dunning
order by days_past_due desc, amount_remaining desc, invoice_id
limit 15
