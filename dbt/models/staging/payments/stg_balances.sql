-- Every snapshot, not only the newest: each says what the balance was at its own instant.
-- Of a night that was pulled twice the newer pull counts.
with observed as (
    select
        account,
        observed_at,
        payload,
        row_number() over (
            partition by account, observed_at order by pull_id desc, payload desc
        ) as recency
    from {{ source('landing', 'balance') }}
    where observed_at <= {{ as_of() }}
),

landed as (
    select account, observed_at, payload from observed where recency = 1
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

final as (
    select
        account as account_id,
        observed_at,
        lower(entry.currency) as currency,
        sum(case when part = 'available' then entry.amount else 0 end) as available,
        sum(case when part = 'pending' then entry.amount else 0 end) as pending,
        sum(case when part = 'connect_reserved' then entry.amount else 0 end) as connect_reserved
    from parts
    group by account, observed_at, lower(entry.currency)
)

select * from final
