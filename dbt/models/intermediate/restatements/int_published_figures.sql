-- The figures that earlier publications recorded, as of their own instants.
with recorded as (
    select * from {{ source('state', 'published_figures') }}
),

final as (
    select
        cast(as_of as timestamp) as as_of,
        run_id,
        table_name,
        cast(month as date) as month,
        currency,
        figure,
        cast(value as decimal(38, 3)) as value,
        caused_by
    from recorded
    where cast(as_of as timestamp) < {{ as_of() }}
)

select * from final
