-- title: Payments of the last 90 days by Radar's score
-- asset: finance/payment_risk
-- rows: select * from finance.payment_risk order by risk_score desc nulls last

select
    case
        when risk_score is null then 'none'
        when risk_score >= 75 then '75 to 99'
        when risk_score >= 50 then '50 to 74'
        when risk_score >= 25 then '25 to 49'
        else '0 to 24'
    end as score,
    count(*) as attempts,
    count(case when outcome_type = 'blocked' then 1 end) as blocked,
    count(case when fraud_label = 'fraud' then 1 end) as fraud,
    count(case when fraud_label = 'suspected' then 1 end) as suspected,
    count(case when fraud_label = 'genuine' then 1 end) as genuine
from finance.payment_risk
where occurred_on > cast($as_of_date as date) - 90
group by score
order by score
