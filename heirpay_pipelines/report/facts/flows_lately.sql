-- title: Each payment flow that the account uses, the last 30 days
-- asset: finance/daily_revenue_by_flow
-- rows: select * from finance.daily_revenue_by_flow order by date desc, payment_flow

-- In use: something was tried in the last 90 days. Card testing is no payment of a customer.
with tested as (
    select payment_flow, occurred_on as date, count(*) as failed
    from finance.payment_failures
    where is_card_testing
    group by payment_flow, occurred_on
),

flows as (
    select payment_flow, date, sum(payments_succeeded) as succeeded, sum(payments_failed) as failed
    from finance.daily_revenue_by_flow
    where date > cast($as_of_date as date) - 90 and date <= cast($as_of_date as date)
    group by payment_flow, date
),

customers as (
    select
        flows.payment_flow,
        flows.date,
        flows.succeeded,
        greatest(flows.failed - coalesce(tested.failed, 0), 0) as failed
    from flows
    left join tested on flows.payment_flow = tested.payment_flow and flows.date = tested.date
)

select
    payment_flow,
    coalesce(sum(succeeded) filter (where date > cast($as_of_date as date) - 30), 0) as succeeded,
    coalesce(sum(failed) filter (where date > cast($as_of_date as date) - 30), 0) as failed,
    max(date) filter (where succeeded > 0) as last_succeeded_on
from customers
group by payment_flow
having sum(succeeded) + sum(failed) > 0
order by payment_flow
