-- title: Failed renewals are tried again
-- asset: staging/stg_stripe__invoices
-- rows: select * from staging.stg_stripe__invoices where attempt_count > 1 order by created_at desc limit 20

select
    count(*) > 0 as met,
    count(*) || ' invoices were tried more than once, ' || sum((status = 'paid')::int)
        || ' of them were then paid' as evidence
from staging.stg_stripe__invoices
where attempt_count > 1 or next_payment_attempt_at is not null
