-- What later facts change in closed months: the frozen figure stays, and the difference is posted
-- as an adjustment dated by this publication. A month that is not here stands as it was closed.
with closes as (
    select * from {{ source('state', 'period_closes') }}
    where {{ instant('as_of') }} <= {{ as_of() }}
),

frozen as (
    select
        cast(concat(figures.month, '-01') as date) as month,
        figures.table_name,
        figures.item,
        figures.currency,
        figures.figure,
        cast(figures.value as decimal(38, 3)) as value
    from {{ source('state', 'period_figures') }} as figures
    inner join closes on figures.month = closes.month
),

current_figures as (
    select figures.*
    from {{ ref('int_period_figures') }} as figures
    inner join closes on figures.month = cast(concat(closes.month, '-01') as date)
),

compared as (
    select
        coalesce(frozen.month, current_figures.month) as month,
        coalesce(frozen.table_name, current_figures.table_name) as table_name,
        coalesce(frozen.item, current_figures.item) as item,
        coalesce(frozen.currency, current_figures.currency) as currency,
        coalesce(frozen.figure, current_figures.figure) as figure,
        coalesce(frozen.value, 0) as closed_value,
        coalesce(current_figures.value, 0) as value_now
    from frozen
    full outer join current_figures
        on
            frozen.month = current_figures.month
            and frozen.table_name = current_figures.table_name
            and frozen.item = current_figures.item
            and frozen.currency = current_figures.currency
            and frozen.figure = current_figures.figure
),

final as (
    select
        month,
        table_name,
        item,
        currency,
        figure,
        closed_value,
        value_now,
        value_now - closed_value as adjustment,
        {{ as_of_date() }} as adjusted_on
    from compared
    where value_now <> closed_value
)

select * from final
