-- title: The gateway answers and its objects arrive
-- asset: staging/stg_stripe__balance_transactions
-- rows: select count(*), max(created_at) from staging.stg_stripe__balance_transactions

select
    count(*) > 0 as met,
    count(*) || ' balance transactions read, the newest of ' || max(created_at) as evidence
from staging.stg_stripe__balance_transactions
