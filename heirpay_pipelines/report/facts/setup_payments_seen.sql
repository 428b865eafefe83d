-- title: Payments were seen to succeed
-- asset: staging/stg_stripe__charges
-- rows: select * from staging.stg_stripe__charges where status = 'succeeded' order by created_at desc limit 20

select
    count(*) > 0 as met,
    count(*) || ' payments succeeded in the last 90 days, the newest of '
        || coalesce(cast(max(created_at) as varchar), 'never') as evidence
from staging.stg_stripe__charges
where
    status = 'succeeded' and created_at > cast($as_of as timestamp) - interval 90 day
    and created_at <= cast($as_of as timestamp)
