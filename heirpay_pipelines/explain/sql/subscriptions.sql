-- A customer's subscriptions in a currency: what each was worth at the end of a day, and the
-- stretch of its timeline and the version or bill that say so.
with newest as (
    select * from intermediate.int_subscription_mrr_daily
    where customer_id = $customer and currency = $currency and date <= $as_of_date
    qualify row_number() over (partition by subscription_id order by date desc) = 1
)

select
    newest.subscription_id,
    newest.stretch_id,
    newest.mrr_list,
    newest.mrr,
    newest.mrr_net_all,
    stretches.state_id,
    stretches.status,
    stretches.basis,
    stretches.is_counted,
    stretches.is_ending,
    stretches.starts_at,
    stretches.ends_at
from newest
left join intermediate.int_subscription_intervals as stretches
    on newest.stretch_id = stretches.stretch_id
order by newest.mrr desc, newest.subscription_id
