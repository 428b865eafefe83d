-- What later facts change in closed months. The frozen figure stays; each publication that shows
-- another one than the publication before posts the difference, dated by itself. What was posted
-- comes from the state and never changes; only this publication's own postings are computed here.
with closes as (
    select cast(concat(month, '-01') as date) as month
    from {{ source('state', 'period_closes') }}
    where {{ instant('as_of') }} <= {{ as_of() }}
),

frozen as (
    select
        cast(concat(month, '-01') as date) as month,
        table_name,
        item,
        currency,
        figure,
        cast(value as decimal(38, 3)) as value
    from {{ source('state', 'period_figures') }}
),

posted as (
    select
        cast(concat(month, '-01') as date) as month,
        table_name,
        item,
        currency,
        figure,
        {{ instant('as_of') }} as adjusted_at,
        cast(adjustment as decimal(38, 3)) as adjustment
    from {{ source('state', 'period_adjustments') }}
    where {{ instant('as_of') }} <= {{ as_of() }}
),

current_figures as (
    select * from {{ ref('int_period_figures') }}
),

parts as (
    select
        month, table_name, item, currency, figure, value as closed_value, 0 as posted,
        0 as value_now
    from frozen
    union all
    select
        month, table_name, item, currency, figure, 0 as closed_value, adjustment as posted,
        0 as value_now
    from posted
    union all
    select
        month, table_name, item, currency, figure, 0 as closed_value, 0 as posted,
        value as value_now
    from current_figures
),

standing as (
    select
        parts.month,
        parts.table_name,
        parts.item,
        parts.currency,
        parts.figure,
        sum(parts.closed_value) as closed_value,
        sum(parts.value_now) - sum(parts.closed_value) - sum(parts.posted) as adjustment
    from parts
    inner join closes on parts.month = closes.month
    group by parts.month, parts.table_name, parts.item, parts.currency, parts.figure
),

postings as (
    select month, table_name, item, currency, figure, adjusted_at, adjustment
    from posted
    union all
    select
        month, table_name, item, currency, figure, {{ as_of() }} as adjusted_at, adjustment
    from standing
    where adjustment <> 0
),

dated as (
    select
        month, table_name, item, currency, figure, adjusted_at, sum(adjustment) as adjustment
    from postings
    group by month, table_name, item, currency, figure, adjusted_at
),

running as (
    select
        dated.*,
        standing.closed_value,
        standing.closed_value + sum(dated.adjustment) over (
            partition by
                dated.month, dated.table_name, dated.item, dated.currency, dated.figure
            order by dated.adjusted_at
        ) as value_after
    from dated
    inner join standing
        on
            dated.month = standing.month
            and dated.table_name = standing.table_name
            and dated.item = standing.item
            and dated.currency = standing.currency
            and dated.figure = standing.figure
),

final as (
    select
        month,
        table_name,
        item,
        currency,
        figure,
        cast(closed_value as decimal(38, 3)) as closed_value,
        cast(value_after - adjustment as decimal(38, 3)) as value_before,
        cast(adjustment as decimal(38, 3)) as adjustment,
        cast(value_after as decimal(38, 3)) as value_after,
        {{ reporting_date('adjusted_at') }} as adjusted_on,
        adjusted_at
    from running
    where adjustment <> 0
)

select * from final
