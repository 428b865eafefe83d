-- title: Early fraud warnings
-- asset: staging/stg_stripe__early_fraud_warnings
-- rows: select * from staging.stg_stripe__early_fraud_warnings order by created_at desc

select
    count(*) as warnings,
    sum(case when is_actionable then 1 else 0 end) as actionable,
    sum(case when created_at >= $day_before then 1 else 0 end) as since_day_before
from staging.stg_stripe__early_fraud_warnings
