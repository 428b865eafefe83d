-- title: Subscriptions were billed and paid by themselves
-- asset: staging/stg_stripe__invoices
-- rows: select * from staging.stg_stripe__invoices where billing_reason = 'subscription_cycle' order by created_at desc limit 20

select
    count(*) > 0 as met,
    count(*) || ' renewal invoices were paid in the last 35 days' as evidence
from staging.stg_stripe__invoices
where
    billing_reason = 'subscription_cycle' and status = 'paid'
    and paid_at > cast($as_of as timestamp) - interval 35 day
