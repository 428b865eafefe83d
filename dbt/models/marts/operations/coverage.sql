{{ config(schema='operations') }}
with lines as (
    select * from {{ source('landing', 'coverage') }}
),

final as (
    select
        pull_id,
        as_of,
        endpoint,
        object_name,
        mode,
        {{ instant('covered_from') }} as covered_from,
        {{ instant('covered_until') }} as covered_until,
        rows,
        requests,
        status,
        reason,
        needed_for,
        api_version
    from lines
)

select * from final
