-- The finished runs of Stripe's own reports that still say something: a run holds from its start
-- until a newer one of its type takes over, so what was tied out once stays tied out.
with landed as (
    {{ newest('report_run') }}
),

parsed as (
    select
        id,
        observed_at,
        {{ parse_json('payload', {
            'report_type': 'varchar',
            'interval_start': 'bigint',
            'interval_end': 'bigint',
            'rows': 'bigint'
        }) }} as payload
    from landed
),

runs as (
    select
        id,
        payload.report_type as report_type,
        {{ epoch('payload.interval_start') }} as interval_starts_at,
        {{ epoch('payload.interval_end') }} as interval_ends_at,
        payload.rows as row_count,
        observed_at,
        row_number() over (
            partition by payload.report_type order by observed_at desc, id desc
        ) as recency
    from parsed
),

-- The earliest start of all newer runs.
taken_over as (
    select
        *,
        min(interval_starts_at) over (
            partition by report_type order by recency
            rows between unbounded preceding and 1 preceding
        ) as next_starts_at
    from runs
),

final as (
    select
        id,
        report_type,
        interval_starts_at,
        interval_ends_at,
        least(interval_ends_at, coalesce(next_starts_at, interval_ends_at)) as holds_until,
        recency = 1 as is_newest,
        row_count,
        observed_at
    from taken_over
    where next_starts_at is null or next_starts_at > interval_starts_at
)

select * from final
