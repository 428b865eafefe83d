-- title: Failed renewals are tried again
-- asset: staging/stg_stripe__invoices
-- rows: select * from staging.stg_stripe__invoices where attempt_count > 1 order by created_at desc limit 20

-- Of the last 90 days only; null where no renewal failed in them: there is nothing to see it on.
with failed as (
    select invoices.*
    from staging.stg_stripe__invoices as invoices
    where
        invoices.created_at > cast($as_of as timestamp) - interval 90 day
        and invoices.created_at <= cast($as_of as timestamp)
        and invoices.collection_method = 'charge_automatically'
        and (
            invoices.attempt_count > 1 or invoices.next_payment_attempt_at is not null
            or (invoices.status in ('open', 'uncollectible') and invoices.attempt_count = 1)
        )
)

select
    case
        when count(*) > 0
            then count(*) filter (
                where attempt_count > 1 or next_payment_attempt_at is not null
            ) > 0
    end as met,
    case when count(*) = 0 then 'no renewal failed in the last 90 days'
        else count(*) filter (where attempt_count > 1 or next_payment_attempt_at is not null)
            || ' of ' || count(*) || ' invoices that failed in the last 90 days are tried again, '
            || count(*) filter (where status = 'paid') || ' of them were then paid' end as evidence
from failed
