-- title: Early fraud warnings
-- asset: staging/stg_stripe__early_fraud_warnings
-- rows: select * from staging.stg_stripe__early_fraud_warnings order by created_at desc

-- Unknown, not 0, where they could not be read.
with counted as (
    select
        count(*) as warnings,
        sum(case when is_actionable then 1 else 0 end) as actionable,
        sum(case when created_at >= $day_before then 1 else 0 end) as since_day_before
    from staging.stg_stripe__early_fraud_warnings
),

reading as (
    select count(*) = 0 as is_read from intermediate.int_unread_objects
    where object_name = 'radar.early_fraud_warning'
)

select
    case when is_read then warnings end as warnings,
    case when is_read then actionable end as actionable,
    case when is_read then since_day_before end as since_day_before
from counted
cross join reading
