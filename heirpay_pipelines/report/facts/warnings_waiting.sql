-- title: Early fraud warnings that nobody acted on
-- asset: finance/early_fraud_warnings
-- rows: select * from finance.early_fraud_warnings where is_actionable order by warned_at

-- Handled: refunded, or disputed already. Null where the warnings could not be read.
with reading as (
    select count(*) = 0 as is_read from intermediate.int_unread_objects
    where object_name = 'radar.early_fraud_warning'
),

waiting as (
    select count(*) as warnings, min(warned_at) as oldest_at
    from finance.early_fraud_warnings
    where is_actionable and dispute_id is null and amount_refunded < amount
)

select
    case when is_read then warnings end as warnings,
    oldest_at,
    date_diff('day', cast(oldest_at as date), cast($as_of_date as date)) as oldest_days
from waiting
cross join reading
