-- title: What finds fraud, the last 30 days
-- asset: finance/payment_risk
-- rows: select charge_id, occurred_at, risk_score, outcome_type, risk_rule_id, review_id from finance.payment_risk order by occurred_at desc

select
    count(*) as card_payments,
    count(risk_score) as scored,
    count(outcome_type) as judged,
    max(occurred_at) filter (where risk_score is not null) as last_scored_at,
    max(occurred_at) filter (where risk_rule_id is not null) as last_rule_at,
    count(review_id) filter (where review_result is null) as open_reviews
from finance.payment_risk
where
    payment_method_type = 'card' and occurred_on > cast($as_of_date as date) - 30
    and occurred_on <= cast($as_of_date as date)
