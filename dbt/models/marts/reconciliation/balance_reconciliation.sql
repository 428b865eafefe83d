-- Opening + activity + payouts = closing; and the closing against what Stripe's balance said, on
-- the days on which it was read. A snapshot is carried to its day's end by the movements after it.
with days as (
    select * from {{ ref('int_balance_daily') }}
),

snapshots as (
    select
        {{ reporting_date('observed_at') }} as date,
        currency,
        observed_at,
        balance,
        row_number() over (
            partition by {{ reporting_date('observed_at') }}, currency
            order by observed_at desc, account_id asc
        ) as recency
    from {{ ref('stg_stripe__balances') }}
),

last_snapshots as (
    select date, currency, observed_at, balance from snapshots where recency = 1
),

later_movements as (
    select last_snapshots.date, last_snapshots.currency, sum(ledger.net) as net
    from last_snapshots
    inner join {{ ref('int_ledger') }} as ledger
        on
            last_snapshots.date = ledger.occurred_on
            and last_snapshots.currency = ledger.currency
            and ledger.balance_type = 'payments'
            and last_snapshots.observed_at < ledger.occurred_at
    group by last_snapshots.date, last_snapshots.currency
),

-- A currency that the snapshot does not name has no balance in it.
snapshot_days as (
    select date, max(observed_at) as observed_at from last_snapshots group by date
),

compared as (
    select
        days.*,
        snapshot_days.observed_at as stripe_observed_at,
        case
            when snapshot_days.date is not null
                then coalesce(last_snapshots.balance, 0) + coalesce(later_movements.net, 0)
        end as stripe_closing_balance
    from days
    left join snapshot_days on days.date = snapshot_days.date
    left join last_snapshots
        on days.date = last_snapshots.date and days.currency = last_snapshots.currency
    left join later_movements
        on days.date = later_movements.date and days.currency = later_movements.currency
),

final as (
    select
        date,
        currency,
        {{ to_major('opening_balance', 'currency') }} as opening_balance,
        {{ to_major('activity', 'currency') }} as activity,
        {{ to_major('payouts', 'currency') }} as payouts,
        {{ to_major('closing_balance', 'currency') }} as closing_balance,
        {{ to_major('stripe_closing_balance', 'currency') }} as stripe_closing_balance,
        {{ to_major('closing_balance - stripe_closing_balance', 'currency') }} as difference,
        stripe_observed_at
    from compared
)

select * from final
