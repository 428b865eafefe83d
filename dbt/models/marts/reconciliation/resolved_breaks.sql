-- Breaks that the data still shows and somebody resolved, with the reason.
with breaks as (
    select * from {{ ref('int_every_break') }}
),

final as (
    select
        break_id,
        kind,
        severity,
        currency,
        amount,
        object_id,
        related_object_id,
        first_seen_on,
        detail,
        owner,
        resolved_at,
        resolved_by,
        resolution
    from breaks
    where is_resolved
)

select * from final
