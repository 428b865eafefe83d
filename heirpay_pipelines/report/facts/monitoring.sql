-- title: The night's figures against their thresholds
-- asset: publish/publication
-- rows: select as_of, is_published from operations.run_history order by as_of desc limit 10

select
    'run_age_hours' as metric,
    cast(date_diff('hour', max(as_of), cast($as_of as timestamp)) as decimal(18, 3)) as value
from operations.run_history
where is_published
union all
select 'balance_differences' as metric, cast(count(*) as decimal(18, 3)) as value
from finance.balance_reconciliation
where difference <> 0
union all
select 'unreconciled_payouts' as metric, cast(count(*) as decimal(18, 3)) as value
from finance.payout_reconciliation
where status = 'unreconciled'
union all
select 'severe_breaks' as metric, cast(count(*) as decimal(18, 3)) as value
from finance.reconciliation_breaks
where severity in ('critical', 'high')
union all
select
    'webhook_missing' as metric,
    case when count(missing) = count(*) then cast(coalesce(sum(missing), 0) as decimal(18, 3)) end
        as value
from operations.webhook_delivery_daily
where date > cast($as_of_date as date) - interval 7 day
union all
select 'webhook_lag_seconds_p95' as metric, max(lag_seconds_p95) as value
from operations.webhook_delivery_daily
where date > cast($as_of_date as date) - interval 7 day
union all
select 'blocking_controls_failed' as metric, cast(count(*) as decimal(18, 3)) as value
from run_controls
where severity = 'blocking' and status in ('fail', 'not_evaluated')
