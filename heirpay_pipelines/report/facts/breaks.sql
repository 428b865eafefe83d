-- title: Open reconciliation breaks, worst first
-- asset: finance/reconciliation_breaks
-- rows: select * from finance.reconciliation_breaks order by age_days desc

select
    break_id, kind, severity, currency, amount, object_id, related_object_id, first_seen_on,
    age_days, detail,
    owner, action,
    concat('heirpay breaks show ', break_id) as explain
from finance.reconciliation_breaks
order by
    case severity when 'critical' then 0 when 'high' then 1 when 'medium' then 2 else 3 end,
    abs(amount) desc, break_id
limit 20
