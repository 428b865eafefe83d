-- The open breaks: what the data shows and nobody has resolved.
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
        age_days,
        detail,
        owner,
        action
    from breaks
    where not is_resolved
)

select * from final
