-- A month is closed when it was published after its end; a figure of a closed month that is
-- published otherwise later is restated.
with history as (
    select * from {{ ref('int_published_figures') }}
    union all
    select * from {{ ref('int_changed_figures') }}
),

compared as (
    select
        *,
        lag(value) over (
            partition by table_name, month, currency, figure order by as_of
        ) as value_before,
        lag(as_of) over (
            partition by table_name, month, currency, figure order by as_of
        ) as as_of_before
    from history
),

publications as (
    select as_of, lag(as_of) over (order by as_of) as published_before_at
    from (select distinct as_of from history) as instants
),

-- The newest publication before this one is what readers saw last, though it may have recorded
-- another figure only.
dated as (
    select
        compared.*,
        publications.published_before_at as last_published_at
    from compared
    inner join publications on compared.as_of = publications.as_of
),

final as (
    select
        {{ reporting_date('as_of') }} as restated_on,
        table_name,
        month,
        currency,
        figure,
        value_before as published_before,
        value as published_now,
        cast(value - value_before as decimal(38, 3)) as difference,
        as_of_before as published_before_at,
        as_of as restated_at,
        run_id,
        caused_by
    from dated
    where
        value_before is not null
        and value is distinct from value_before
        and {{ reporting_date('last_published_at') }} >= month + interval 1 month
)

select * from final
