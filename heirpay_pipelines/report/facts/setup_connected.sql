-- title: The gateway answers and its objects arrive
-- asset: operations/coverage
-- rows: select endpoint, status, covered_until from operations.coverage order by covered_until desc

-- What was read long ago says nothing of today.
with newest as (
    select max(covered_until) as covered_until from operations.coverage
    where object_name = 'balance_transaction' and status = 'complete'
),

objects as (
    select count(*) as transactions, max(created_at) as newest_at
    from staging.stg_stripe__balance_transactions
)

select
    coalesce(
        newest.covered_until > cast($as_of as timestamp) - interval 36 hour
        and objects.transactions > 0, false
    ) as met,
    objects.transactions || ' balance transactions read, the newest of '
        || coalesce(cast(objects.newest_at as varchar), 'never') || '; read up to '
        || coalesce(cast(newest.covered_until as varchar), 'never')
        || ' (at most 36 hours old counts)' as evidence
from newest
cross join objects
