-- Movements of the balance that became known after their month was closed: those whose first pull
-- is later than the close. Only the movements of closed months are looked at.
with closes as (
    select
        cast(concat(month, '-01') as date) as month,
        {{ instant('as_of') }} as closed_as_of
    from {{ source('state', 'period_closes') }}
    where {{ instant('as_of') }} <= {{ as_of() }}
),

pulls as (
    select pull_id, max(as_of) as known_at
    from {{ source('landing', 'coverage') }}
    group by pull_id
),

ledger as (
    select ledger.ledger_id, closes.month, closes.closed_as_of
    from {{ ref('int_ledger') }} as ledger
    inner join closes on {{ month_of('ledger.occurred_on') }} = closes.month
),

known as (
    select landed.id, min(pulls.known_at) as known_at
    from {{ source('landing', 'balance_transaction') }} as landed
    inner join pulls on landed.pull_id = pulls.pull_id
    where {{ visible_landing() }} and landed.id in (select ledger_id from ledger)
    group by landed.id
),

final as (
    select
        ledger.ledger_id,
        ledger.month,
        ledger.closed_as_of,
        known.known_at,
        {{ reporting_date('known.known_at') }} as posted_on
    from ledger
    inner join known on ledger.ledger_id = known.id
    where known.known_at > ledger.closed_as_of
)

select * from final
