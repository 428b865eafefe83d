-- Every entry that bills revenue or takes it back. `served_from` to `served_until` (excluded) is
-- the service period that it is spread over.
with entries as (
    select *, true as is_invoiced from {{ ref('int_revenue_invoiced') }}
    union all
    select *, true as is_invoiced from {{ ref('int_revenue_refunded') }}
    union all
    select *, false as is_invoiced from {{ ref('int_revenue_uninvoiced') }}
),

dated as (
    select
        *,
        {{ reporting_date('booked_at') }} as booked_on,
        {{ reporting_date('period_starts_at') }} as period_from,
        {{ reporting_date('period_ends_at') }} as period_until
    from entries
    where booked_at <= {{ as_of() }}
),

final as (
    select
        {{ text_key(['line_id', 'document_id', 'entry']) }} as entry_id,
        entry,
        is_invoiced,
        line_id,
        document_id,
        document_type,
        customer_id,
        country,
        subscription_id,
        product_id,
        kind,
        currency,
        cast(amount as bigint) as amount,
        booked_on,
        -- Without a period (a one-off) the day of billing is the day of service.
        case when period_until > period_from then period_from else booked_on end as served_from,
        case
            when period_until > period_from then period_until
            else cast(booked_on + interval 1 day as date)
        end as served_until
    from dated
    where amount is null or amount <> 0
)

select * from final
