-- The payments balance per day and currency, in minor units, for every day since its first
-- movement. Aggregated first: the window functions see days, not movements.
with movements as (
    select
        occurred_on as date,
        currency,
        sum(net) as net,
        sum(case when is_payout then amount else 0 end) as payouts
    from {{ ref('int_ledger') }}
    where balance_type = 'payments'
    group by occurred_on, currency
),

snapshot_currencies as (
    select currency, min({{ reporting_date('observed_at') }}) as first_date
    from {{ ref('stg_stripe__balances') }}
    where currency in (select currency from {{ ref('currencies') }})
    group by currency
),

firsts as (
    select currency, min(date) as first_date
    from (
        select currency, date from movements
        union all
        select currency, first_date as date from snapshot_currencies
    ) as starts
    group by currency
),

bounds as (
    select coalesce(min(first_date), {{ as_of_date() }}) as first_date from firsts
),

spine as (
    select calendar.date, firsts.currency
    from {{ dates_between("(select first_date from bounds)", as_of_date()) }} as calendar
    inner join firsts on calendar.date >= firsts.first_date
),

filled as (
    select
        spine.date,
        spine.currency,
        coalesce(movements.net, 0) as net,
        coalesce(movements.payouts, 0) as payouts
    from spine
    left join movements on spine.date = movements.date and spine.currency = movements.currency
),

final as (
    select
        date,
        currency,
        sum(net) over (
            partition by currency order by date rows between unbounded preceding and current row
        ) - net as opening_balance,
        net - payouts as activity,
        payouts,
        sum(net) over (
            partition by currency order by date rows between unbounded preceding and current row
        ) as closing_balance
    from filled
)

select * from final
