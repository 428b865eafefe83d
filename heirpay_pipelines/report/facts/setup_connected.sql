-- title: The gateway answers and its objects arrive
-- asset: staging/balance_transactions
-- rows: select count(*), max(created_at) from staging.balance_transactions

select
    count(*) > 0 as met,
    count(*) || ' balance transactions read, the newest of ' || max(created_at) as evidence
from staging.balance_transactions
