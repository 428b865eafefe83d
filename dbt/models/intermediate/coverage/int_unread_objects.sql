-- Kinds of objects that the newest pull could not list, and since when nothing is known of them:
-- what a figure would count of them from then on is unknown, not 0.
with lists as (
    select
        endpoint,
        object_name,
        status,
        pull_id,
        as_of,
        {{ instant('covered_until') }} as covered_until
    from {{ source('landing', 'coverage') }}
    where
        mode in ('full', 'events', 'created', 'always')
        and endpoint not like '%{id}'
        and as_of <= {{ as_of() }}
),

placed as (
    select
        *,
        row_number() over (partition by endpoint order by as_of desc, pull_id desc) as recency
    from lists
),

newest as (
    select endpoint, object_name from placed
    where recency = 1 and status <> 'complete'
),

complete as (
    select endpoint, max(covered_until) as covered_until from lists
    where status = 'complete'
    group by endpoint
),

final as (
    select
        newest.endpoint,
        newest.object_name,
        coalesce(complete.covered_until, timestamp '1970-01-01 00:00:00') as unread_from
    from newest
    left join complete on newest.endpoint = complete.endpoint
)

select * from final
