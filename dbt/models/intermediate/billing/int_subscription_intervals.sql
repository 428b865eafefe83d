-- States cut where something that they are worth changes by itself: a discount begins or ends, a
-- paused collection resumes. Within an interval MRR is constant.
with states as (
    select * from {{ ref('int_subscription_states') }}
),

cuts as (
    select state_id, valid_from as cut_at from states
    union
    select states.state_id, applications.applies_from as cut_at
    from states
    inner join {{ ref('int_discount_applications') }} as applications
        on states.state_id = applications.state_id
    where
        applications.applies_from > states.valid_from
        and applications.applies_from < coalesce(states.valid_to, {{ as_of() }})
    union
    select states.state_id, applications.applies_to as cut_at
    from states
    inner join {{ ref('int_discount_applications') }} as applications
        on states.state_id = applications.state_id
    where
        applications.applies_to > states.valid_from
        and applications.applies_to <= coalesce(states.valid_to, {{ as_of() }})
        and (states.valid_to is null or applications.applies_to < states.valid_to)
    union
    select state_id, pause_resumes_at as cut_at
    from states
    where
        pause_resumes_at > valid_from
        and pause_resumes_at <= coalesce(valid_to, {{ as_of() }})
        and (valid_to is null or pause_resumes_at < valid_to)
),

final as (
    select
        {{ text_key(['cuts.state_id', 'cuts.cut_at']) }} as interval_id,
        states.state_id,
        states.subscription_id,
        states.customer_id,
        states.currency,
        states.status,
        states.basis,
        states.is_ending,
        states.status in ('active', 'past_due')
        and not (
            coalesce(states.pause_behavior, '') = 'void'
            and (states.pause_resumes_at is null or cuts.cut_at < states.pause_resumes_at)
        ) as is_counted,
        cuts.cut_at as starts_at,
        coalesce(
            lead(cuts.cut_at) over (partition by cuts.state_id order by cuts.cut_at),
            states.valid_to
        ) as ends_at
    from cuts
    inner join states on cuts.state_id = states.state_id
)

select * from final
