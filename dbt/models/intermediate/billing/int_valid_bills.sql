-- Invoices of subscriptions that tell what the subscription was, before it was first seen: those
-- that stand, and voided ones unless a pause of collection voided them. A pause voids each bill as
-- it is made, and bills stay away; a person voids a bill later, and the next one stands.
{%- set at_once = 'interval 5 minute' %}
with invoices as (
    select id, customer_id, status, created_at, finalized_at, voided_at
    from {{ ref('stg_stripe__invoices') }}
    where status in ('open', 'paid', 'uncollectible', 'void')
),

periods as (
    select
        lines.subscription_id,
        lines.invoice_id,
        min(lines.period_starts_at) as starts_at,
        max(lines.period_ends_at) as ends_at
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    where lines.subscription_id is not null and lines.subscription_item_id is not null
    group by lines.subscription_id, lines.invoice_id
),

subscriptions as (
    select id, ended_at from {{ ref('stg_stripe__subscriptions') }}
),

first_seen as (
    select subscription_id, min(valid_from) as first_seen_at
    from {{ ref('int_subscription_observed_states') }}
    group by subscription_id
),

bills as (
    select
        periods.subscription_id,
        periods.invoice_id,
        invoices.customer_id,
        invoices.created_at,
        periods.starts_at,
        periods.ends_at,
        invoices.status = 'void' as is_void,
        coalesce(
            invoices.voided_at
            <= coalesce(invoices.finalized_at, invoices.created_at) + {{ at_once }}, false
        ) as is_voided_at_once,
        least(first_seen.first_seen_at, subscriptions.ended_at, {{ as_of() }}) as told_until,
        row_number() over by_period as number,
        row_number() over (
            partition by periods.subscription_id, invoices.status = 'void'
            order by periods.starts_at, invoices.created_at, periods.invoice_id
        ) as number_of_kind,
        lead(periods.invoice_id) over by_period as next_invoice_id
    from periods
    inner join invoices on periods.invoice_id = invoices.id
    left join subscriptions on periods.subscription_id = subscriptions.id
    left join first_seen on periods.subscription_id = first_seen.subscription_id
    window by_period as (
        partition by periods.subscription_id
        order by periods.starts_at, invoices.created_at, periods.invoice_id
    )
),

-- Bills in a row that were all voided, or all stand.
rows_of_bills as (
    select
        *,
        count(*) over in_a_row as bills_in_a_row,
        max(case when next_invoice_id is null then ends_at end) over in_a_row as last_ends_at
    from bills
    window in_a_row as (partition by subscription_id, is_void, number - number_of_kind)
),

final as (
    select
        subscription_id,
        invoice_id,
        customer_id,
        created_at,
        is_void
    from rows_of_bills
    where
        not is_void
        or not (
            is_voided_at_once
            or bills_in_a_row > 1
            -- The next bill was due, and never came.
            or coalesce(last_ends_at + interval 1 day < told_until, false)
        )
)

select * from final
