-- noqa: disable=LT02
-- When each version that speaks of the past became known: the day from which it has effect, and
-- the instant of the pull that brought it.
{%- set objects = ['subscription', 'invoice', 'credit_note', 'refund'] %}
with pulls as (
    select pull_id, max(as_of) as known_at from {{ source('landing', 'coverage') }}
group by pull_id
),

rows_of as (
{%- for object in objects %}
    select
        '{{ object }}' as object_type,
        id,
        pull_id,
        {{ 'observed_at' if object == 'subscription' else 'created' }} as effective_at
    from {{ source('landing', object) }}
    where observed_at <= {{ as_of() }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

final as (
    select
        rows_of.object_type,
        rows_of.id,
        {{ reporting_date('min(rows_of.effective_at)') }} as effective_on,
        pulls.known_at
    from rows_of
    inner join pulls on rows_of.pull_id = pulls.pull_id
    group by rows_of.object_type, rows_of.id, pulls.known_at
)

select * from final
