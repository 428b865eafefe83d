{{ config(schema='operations') }}
-- The running run is in it, too: it began before its tables were built.
with runs as (
    select * from {{ source('state', 'runs') }}
),

final as (
    select
        run_id,
        job,
        {{ instant('as_of') }} as as_of,
        {{ instant('started_at') }} as started_at,
        {{ instant('ended_at') }} as ended_at,
        outcome,
        outcome = 'published' as is_published,
        reason,
        pull_id,
        cast(requests as bigint) as requests,
        rows_pulled,
        {{ json_total('rows_pulled') }} as rows_pulled_total
    from runs
)

select * from final
