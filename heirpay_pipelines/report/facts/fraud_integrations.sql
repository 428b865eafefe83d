-- title: What finds fraud, and when it was last seen
-- asset: finance/payment_risk
-- rows: select occurred_at, risk_score, risk_rule_id, review_id from finance.payment_risk order by occurred_at desc

select 'radar_scores' as finds, max(occurred_at) as last_at, count(*) as count
from finance.payment_risk
where risk_score is not null
union all
select 'radar_rules' as finds, max(occurred_at) as last_at, count(*) as count
from finance.payment_risk
where risk_rule_id is not null
union all
select 'radar_reviews' as finds, max(created_at) as last_at, count(*) as count
from staging.stg_stripe__reviews
union all
select 'early_fraud_warnings' as finds, max(warned_at) as last_at, count(*) as count
from finance.early_fraud_warnings
union all
select 'card_testing_rules' as finds, max(ended_at) as last_at, count(*) as count
from finance.card_testing_bursts
union all
select 'block_list_proposals' as finds, max(occurred_at) as last_at, count(*) as count
from operations.audit_log
where action = 'proposal_made'
