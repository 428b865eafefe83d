-- Every break that the data shows as of the instant, before anybody has resolved one. A break whose
-- other object could not be read, or is left out of this night, is not judged: coverage says so and
-- counts them. What is in quarantine was given and is in no figure: the money that names it is a
-- break.
with minor_units as (
    select * from {{ ref('int_breaks_payments') }}
    union all
    select * from {{ ref('int_breaks_billing') }}
),

found as (
    select
        kind,
        object_id,
        related_object_id,
        currency,
        {{ to_major('amount', 'currency') }} as amount,
        seen_on,
        detail
    from minor_units
    union all
    select kind, object_id, related_object_id, currency, amount, seen_on, detail
    from {{ ref('int_breaks_money') }}
    union all
    select kind, object_id, related_object_id, currency, amount, seen_on, detail
    from {{ ref('int_breaks_reports') }}
),

absent as (
    select object_id from {{ ref('int_absent_objects') }}
    where not is_quarantined
),

final as (
    select
        found.kind,
        found.object_id,
        found.related_object_id,
        found.currency,
        found.amount,
        found.seen_on,
        found.detail,
        absent.object_id is null as is_judged
    from found
    left join absent on found.related_object_id = absent.object_id
)

select * from final
