-- Every break that the data shows as of the instant. The id follows from the kind and the objects,
-- so a break keeps it from night to night; `first_seen_on` is the day since which the data has it.
with minor_units as (
    select * from {{ ref('int_breaks_payments') }}
    union all
    select * from {{ ref('int_breaks_billing') }}
),

every_break as (
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
),

kinds as (
    select * from {{ ref('break_kinds') }}
),

final as (
    select
        concat('brk_', substr(md5({{ text_key([
            'every_break.kind',
            'every_break.object_id',
            "case when every_break.kind = 'payment_without_invoice' then every_break.related_object_id end"
        ]) }}), 1, 24))
            as break_id,
        every_break.kind,
        kinds.severity,
        every_break.currency,
        every_break.amount,
        every_break.object_id,
        every_break.related_object_id,
        every_break.seen_on as first_seen_on,
        cast({{ days_between('every_break.seen_on', as_of_date()) }} as bigint) as age_days,
        every_break.detail,
        kinds.owner,
        kinds.action
    from every_break
    inner join kinds on every_break.kind = kinds.kind
)

select * from final
