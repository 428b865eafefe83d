-- noqa: disable=LT02
-- What became known after the newest publication: the day from which each version has effect, and
-- the instant of the pull that brought it. On a first night that is nothing.
{%- set objects = ['subscription', 'invoice', 'credit_note', 'refund'] %}
with last_publication as (
    select max(as_of) as as_of from {{ ref('int_published_figures') }}
),

pulls as (
    select coverage.pull_id, max(coverage.as_of) as known_at
    from {{ source('landing', 'coverage') }} as coverage
    inner join last_publication on coverage.as_of > last_publication.as_of
    group by coverage.pull_id
),

rows_of as (
{%- for object in objects %}
    select
        '{{ object }}' as object_type,
        id,
        pull_id,
        {{ 'observed_at' if object == 'subscription' else 'created' }} as effective_at
    from {{ source('landing', object) }}
    where observed_at <= {{ as_of() }} and pull_id in (select pull_id from pulls)
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

currencies as (
{%- for object in objects %}
    select id, currency from {{ ref('stg_stripe__' ~ object ~ 's') }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
),

final as (
    select
        rows_of.object_type,
        rows_of.id,
        max(currencies.currency) as currency,
        {{ reporting_date('min(rows_of.effective_at)') }} as effective_on,
        pulls.known_at
    from rows_of
    inner join pulls on rows_of.pull_id = pulls.pull_id
    left join currencies on rows_of.id = currencies.id
    group by rows_of.object_type, rows_of.id, pulls.known_at
)

select * from final
