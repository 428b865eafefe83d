-- title: Disputes that wait for an answer
-- asset: finance/disputes
-- rows: select * from finance.disputes where status in ('needs_response', 'warning_needs_response') order by evidence_due_at

select
    dispute_id, charge_id, customer_id, currency, amount, reason, status, evidence_due_on,
    datediff('day', cast($as_of_date as date), evidence_due_on) as days_left,
    has_evidence
from finance.disputes
-- Those under review are answered: the bank decides.
where status in ('needs_response', 'warning_needs_response')
order by evidence_due_at, dispute_id
