-- Every snapshot, not only the newest: each says what the balance was at its own instant.
-- Of a night that was pulled twice the newer pull counts. Stripe states the balance of the moment
-- in which it is asked; the movements in it since the night's instant are landed beside it.
with observed as (
    select
        account,
        observed_at,
        pull_id,
        payload,
        row_number() over (
            partition by account, observed_at order by pull_id desc, payload desc
        ) as recency
    from {{ source('landing', 'balance') }}
    where observed_at <= {{ as_of() }}
),

landed as (
    select account, observed_at, pull_id, payload from observed where recency = 1
),

since as (
    select
        landed.account,
        landed.observed_at,
        {{ parse_json('since.payload', {
            'movements': [{'currency': 'varchar', 'net': 'bigint', 'balance_type': 'varchar'}]
        }) }} as payload
    from landed
    inner join {{ source('landing', 'balance_since') }} as since on landed.pull_id = since.pull_id
),

movements as (
    select account, observed_at, {{ explode_array('payload.movements') }} as movement from since
),

moved_since as (
    select account, observed_at, lower(movement.currency) as currency, sum(movement.net) as net
    from movements
    -- An older API version has no types of balance.
    where coalesce(movement.balance_type, 'payments') = 'payments'
    group by account, observed_at, lower(movement.currency)
),

parsed as (
    select
        account,
        observed_at,
        {{ parse_json('payload', {
            'available': [{'amount': 'bigint', 'currency': 'varchar'}],
            'pending': [{'amount': 'bigint', 'currency': 'varchar'}],
            'connect_reserved': [{'amount': 'bigint', 'currency': 'varchar'}]
        }) }} as payload
    from landed
),

parts as (
    select
        account,
        observed_at,
        'available' as part,
        {{ explode_array('payload.available') }} as entry
    from parsed
    union all
    select
        account,
        observed_at,
        'pending' as part,
        {{ explode_array('payload.pending') }} as entry
    from parsed
    union all
    select
        account,
        observed_at,
        'connect_reserved' as part,
        {{ explode_array('payload.connect_reserved') }} as entry
    from parsed
),

stated as (
    select
        account,
        observed_at,
        lower(entry.currency) as currency,
        sum(case when part = 'available' then entry.amount else 0 end) as available,
        sum(case when part = 'pending' then entry.amount else 0 end) as pending,
        sum(case when part = 'connect_reserved' then entry.amount else 0 end) as connect_reserved
    from parts
    group by account, observed_at, lower(entry.currency)
),

final as (
    select
        stated.account as account_id,
        stated.observed_at,
        stated.currency,
        stated.available,
        stated.pending,
        stated.connect_reserved,
        coalesce(moved_since.net, 0) as moved_since,
        stated.available + stated.pending - coalesce(moved_since.net, 0) as balance
    from stated
    left join moved_since
        on
            stated.account = moved_since.account
            and stated.observed_at = moved_since.observed_at
            and stated.currency = moved_since.currency
)

select * from final
