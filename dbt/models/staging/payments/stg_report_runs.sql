-- The newest finished run of each of Stripe's own reports.
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

ranked as (
    select
        id,
        observed_at,
        payload,
        row_number() over (
            partition by payload.report_type order by observed_at desc, id desc
        ) as recency
    from parsed
),

final as (
    select
        id,
        payload.report_type as report_type,
        {{ epoch('payload.interval_start') }} as interval_starts_at,
        {{ epoch('payload.interval_end') }} as interval_ends_at,
        payload.rows as row_count,
        observed_at
    from ranked
    where recency = 1
)

select * from final
