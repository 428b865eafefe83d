-- What invoice lines tell of the time before a subscription was first seen: which price and
-- quantity an item had from when to when. Today's price is never projected back.
with lines as (
    select * from {{ ref('stg_stripe__invoice_lines') }}
    where subscription_id is not null and subscription_item_id is not null
),

-- What a pause voided bills nothing; a draft bills nothing yet.
invoices as (
    select subscription_id, invoice_id, customer_id, created_at, is_void
    from {{ ref('int_valid_bills') }}
),

prices as (
    select price_id, usage_type from {{ ref('int_prices') }}
),

subscriptions as (
    select id, created_at, ended_at from {{ ref('stg_stripe__subscriptions') }}
),

first_seen as (
    select subscription_id, min(valid_from) as first_seen_at
    from {{ ref('int_subscription_observed_states') }}
    group by subscription_id
),

-- A tiered price is billed with one line per tier: their quantities add up.
billed as (
    select
        lines.subscription_id,
        lines.subscription_item_id,
        lines.period_starts_at,
        lines.invoice_id,
        invoices.customer_id,
        invoices.created_at,
        invoices.is_void,
        lines.currency,
        max(lines.period_ends_at) as period_ends_at,
        max(case when lines.amount >= 0 then lines.price_id end) as price_id,
        sum(case when lines.amount >= 0 then lines.quantity end) as quantity
    from lines
    inner join invoices
        on
            lines.invoice_id = invoices.invoice_id
            and lines.subscription_id = invoices.subscription_id
    left join prices on lines.price_id = prices.price_id
    where coalesce(prices.usage_type, 'licensed') = 'licensed'
    group by all
),

-- Where several invoices speak of one instant, the newest that stands is right. An instant with
-- credits alone (no price) is an item's removal.
ranked as (
    select
        *,
        row_number() over (
            partition by subscription_item_id, period_starts_at
            order by is_void asc, created_at desc, invoice_id desc
        ) as recency
    from billed
),

spans as (
    select
        *,
        least(
            period_ends_at,
            lead(period_starts_at) over (
                partition by subscription_item_id order by period_starts_at
            )
        ) as span_ends_at
    from ranked
    where recency = 1
),

clipped as (
    select
        spans.subscription_id,
        spans.subscription_item_id,
        spans.invoice_id,
        spans.customer_id,
        spans.currency,
        spans.price_id,
        spans.quantity,
        greatest(spans.period_starts_at, subscriptions.created_at) as starts_at,
        least(
            spans.span_ends_at, first_seen.first_seen_at, subscriptions.ended_at, {{ as_of() }}
        ) as ends_at,
        spans.period_starts_at
    from spans
    left join subscriptions on spans.subscription_id = subscriptions.id
    left join first_seen on spans.subscription_id = first_seen.subscription_id
    where spans.price_id is not null
),

final as (
    select * from clipped
    where starts_at < ends_at
)

select * from final
