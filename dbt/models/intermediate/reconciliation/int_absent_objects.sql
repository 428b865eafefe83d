-- Objects that may be named and not be there, each for a reason that is said elsewhere: in
-- quarantine, or in the coverage statement. A reference to one of them is no fault of the data.
with known as (
    select
        object_id,
        true as is_quarantined
    from {{ ref('stg_landing__quarantined_objects') }}
    union all
    select
        object_id,
        false as is_quarantined
    from {{ ref('stg_landing__unreadable_objects') }}
),

final as (
    select
        object_id,
        bool_or(is_quarantined) as is_quarantined
    from known
    where object_id is not null
    group by object_id
)

select * from final
