-- A customer's subscriptions in a currency: what each was worth at the end of a day, and the
-- interval of its timeline and the version or bill that say so.
with newest as (
    select * from intermediate.int_subscription_mrr_daily
    where customer_id = $customer and currency = $currency and date <= $as_of_date
    qualify row_number() over (partition by subscription_id order by date desc) = 1
)

select
    newest.subscription_id,
    newest.interval_id,
    newest.mrr_list,
    newest.mrr,
    newest.mrr_net_all,
    intervals.state_id,
    intervals.status,
    intervals.basis,
    intervals.is_counted,
    intervals.is_ending,
    intervals.starts_at,
    intervals.ends_at
from newest
left join intermediate.int_subscription_intervals as intervals
    on newest.interval_id = intervals.interval_id
order by newest.mrr desc, newest.subscription_id
