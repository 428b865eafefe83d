{{ config(schema='operations') }}
with lines as (
    select * from {{ source('landing', 'coverage') }}
),

newest as (
    select max(pull_id) as pull_id, max(as_of) as as_of, max(api_version) as api_version
    from lines
    where mode in ('full', 'events', 'created', 'always', 'derived')
),

-- What the reconciliation could not judge, because an object that it needs could not be read.
unjudged as (
    select
        kind,
        object_id,
        row_number() over (partition by kind order by object_id) as place
    from {{ ref('int_found_breaks') }}
    where not is_judged
),

counted as (
    select
        kind,
        count(*) as breaks,
        {{ text_list('case when place <= 20 then object_id end') }} as first_ids
    from unjudged
    group by kind
),

pulled as (
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
),

final as (
    select * from pulled
    union all
    select
        newest.pull_id,
        newest.as_of,
        concat('reconciliation: ', counted.kind) as endpoint,
        'reconciliation_break' as object_name,
        'derived' as mode,
        cast(null as timestamp) as covered_from,
        newest.as_of as covered_until,
        counted.breaks as rows,
        cast(0 as bigint) as requests,
        'not_judged' as status,
        concat(
            'not judged, because another object that they name could not be read: ',
            counted.first_ids
        ) as reason,
        cast(null as varchar) as needed_for,
        newest.api_version
    from counted
    cross join newest
)

select * from final
