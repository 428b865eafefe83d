-- title: Payments were seen to succeed
-- asset: staging/stg_stripe__charges
-- rows: select * from staging.stg_stripe__charges where status = 'succeeded' order by created_at desc limit 20

select
    count(*) > 0 as met,
    count(*) || ' succeeded payments, the newest of ' || max(created_at) as evidence
from staging.stg_stripe__charges
where status = 'succeeded'
