-- Every break that the data shows as of the instant, resolved by somebody or not. The id follows
-- from the kind and the object, so a break keeps it from night to night; `first_seen_on` is the day
-- since which the data has it, or on which it was first published where that was before. A resolved
-- break is open again when its amount changed, or when it had gone and came back: it was missing
-- from the publication before.
with found as (
    select * from {{ ref('int_found_breaks') }}
    where is_judged
),

keyed as (
    select
        found.*,
        {{ text_key([
            'found.kind',
            'found.object_id',
            "case when found.kind in ('payment_without_invoice', 'stripe_report_mismatch')"
            ~ " then found.related_object_id end"
        ]) }} as break_key
    from found
),

-- Reports and API may say more than one thing of an object: in two currencies, of two movements, or
-- the same thing twice. The first keeps the id, the others have what tells them apart in theirs.
counted as (
    select
        *,
        row_number() over (
            partition by break_key order by currency, related_object_id, amount, detail
        ) as place,
        row_number() over (
            partition by break_key, currency, related_object_id order by amount, detail
        ) as twin
    from keyed
),

named as (
    select
        concat('brk_', substr(md5(case
            when place = 1 then break_key
            else {{ text_key([
                'break_key',
                "coalesce(currency, '')",
                "coalesce(related_object_id, '')",
                'twin'
            ]) }}
        end), 1, 24)) as break_id,
        kind,
        object_id,
        related_object_id,
        currency,
        amount,
        seen_on,
        detail
    from counted
),

kinds as (
    select * from {{ ref('break_kinds') }}
),

resolutions as (
    select
        break_id,
        resolved_at,
        resolved_by,
        reason,
        amount,
        row_number() over (partition by break_id order by resolved_at desc) as recency
    from {{ source('state', 'break_resolutions') }}
    where reopened_as_of is null and {{ instant('resolved_as_of') }} <= {{ as_of() }}
),

sightings as (
    select
        break_id,
        {{ reporting_date(instant('first_seen_as_of')) }} as first_published_on,
        {{ instant('last_seen_as_of') }} as last_seen_as_of
    from {{ source('state', 'break_sightings') }}
),

publication_before as (
    select max({{ instant('as_of') }}) as as_of
    from {{ source('state', 'runs') }}
    where outcome = 'published' and {{ instant('as_of') }} < {{ as_of() }}
),

dated as (
    select
        named.*,
        least(
            named.seen_on, coalesce(sightings.first_published_on, named.seen_on)
        ) as first_seen_on,
        sightings.last_seen_as_of
    from named
    left join sightings on named.break_id = sightings.break_id
),

final as (
    select
        dated.break_id,
        dated.kind,
        kinds.severity,
        dated.currency,
        dated.amount,
        dated.object_id,
        dated.related_object_id,
        dated.first_seen_on,
        cast({{ days_between('dated.first_seen_on', as_of_date()) }} as bigint) as age_days,
        dated.detail,
        kinds.owner,
        kinds.action,
        resolutions.break_id is not null
        and coalesce(cast(resolutions.amount as decimal(24, 3)), 0) = coalesce(dated.amount, 0)
        and (
            publication_before.as_of is null
            or coalesce(dated.last_seen_as_of >= publication_before.as_of, false)
        ) as is_resolved,
        {{ instant('resolutions.resolved_at') }} as resolved_at,
        resolutions.resolved_by,
        resolutions.reason as resolution
    from dated
    inner join kinds on dated.kind = kinds.kind
    cross join publication_before
    left join resolutions on dated.break_id = resolutions.break_id and resolutions.recency = 1
)

select * from final
