-- Figures of this build that no publication showed so far, or that the newest showed otherwise,
-- with the objects that may have caused it: those which became known since and have effect on
-- the month. A figure that was published and is there no more is 0 now.
with figures as (
    select * from {{ ref('int_monthly_figures') }}
),

published as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by table_name, month, currency, figure order by as_of desc
            ) as recency
        from {{ ref('int_published_figures') }}
    ) as every_publication
    where recency = 1
),

-- A figure is recorded only when it changes: the newest publication itself may be later.
last_publication as (
    select max(as_of) as as_of from {{ ref('int_published_figures') }}
),

changed as (
    select
        coalesce(figures.table_name, published.table_name) as table_name,
        coalesce(figures.month, published.month) as month,
        coalesce(figures.currency, published.currency) as currency,
        coalesce(figures.figure, published.figure) as figure,
        coalesce(figures.value, 0) as value,
        published.value as value_before,
        coalesce(last_publication.as_of, published.as_of) as published_before_at
    from figures
    full outer join published
        on
            figures.table_name = published.table_name
            and figures.month = published.month
            and figures.currency = published.currency
            and figures.figure = published.figure
    cross join last_publication
    where
        (figures.value is not null and figures.value is distinct from published.value)
        or (figures.table_name is null and published.value <> 0)
),

causes as (
    select
        changed.table_name,
        changed.month,
        changed.currency,
        changed.figure,
        string_agg(distinct late.id, ', ' order by late.id) as caused_by
    from changed
    inner join {{ ref('int_late_objects') }} as late
        on
            changed.published_before_at < late.known_at
            and late.effective_on < changed.month + interval 1 month
            and coalesce(late.currency, changed.currency) = changed.currency
            and (
                late.object_type in ('subscription', 'invoice')
                or changed.table_name = 'revenue_recognition'
            )
    where changed.value_before is not null
    group by changed.table_name, changed.month, changed.currency, changed.figure
),

final as (
    select
        {{ as_of() }} as as_of,
        {{ run_id() }} as run_id,
        changed.table_name,
        changed.month,
        changed.currency,
        changed.figure,
        changed.value,
        causes.caused_by
    from changed
    left join causes
        on
            changed.table_name = causes.table_name
            and changed.month = causes.month
            and changed.currency = causes.currency
            and changed.figure = causes.figure
)

select * from final
