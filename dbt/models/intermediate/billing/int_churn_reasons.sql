-- Why a customer churned on a day. Involuntary: Stripe ended a subscription for want of payment or
-- for a dispute, it went unpaid, or its last invoice stood unpaid when it ended. Else voluntary.
with churned as (
    select occurred_on, customer_id, currency from {{ ref('int_mrr_movements') }}
    where movement = 'churn'
),

ended as (
    select subscription_id, customer_id, currency, date from {{ ref('int_subscription_mrr_daily') }}
    where mrr = 0 and mrr_change < 0
),

intervals as (
    select subscription_id, status, {{ reporting_date('starts_at') }} as date
    from {{ ref('int_subscription_mrr') }}
),

subscriptions as (
    select id, status, cancellation_reason, ended_at from {{ ref('stg_stripe__subscriptions') }}
),

invoices as (
    select
        id,
        subscription_id,
        status,
        amount_remaining,
        {{ reporting_date('finalized_at') }} as billed_on,
        {{ reporting_date('paid_at') }} as paid_on
    from {{ ref('stg_stripe__invoices') }}
    where subscription_id is not null and finalized_at is not null and status <> 'void'
),

last_invoices as (
    select
        ended.subscription_id,
        ended.date,
        invoices.id as invoice_id,
        invoices.amount_remaining > 0 or invoices.paid_on > ended.date as is_unpaid,
        row_number() over (
            partition by ended.subscription_id, ended.date
            order by invoices.billed_on desc, invoices.id desc
        ) as recency
    from ended
    inner join invoices
        on ended.subscription_id = invoices.subscription_id and ended.date >= invoices.billed_on
),

reasons as (
    select
        churned.occurred_on,
        churned.customer_id,
        churned.currency,
        ended.subscription_id,
        subscriptions.cancellation_reason,
        case when last_invoices.is_unpaid then last_invoices.invoice_id end as unpaid_invoice_id,
        (
            {{ reporting_date('subscriptions.ended_at') }} = churned.occurred_on
            and subscriptions.cancellation_reason in ('payment_failed', 'payment_disputed')
        )
        or exists (
            select 1 from intervals
            where
                intervals.subscription_id = ended.subscription_id
                and intervals.date = churned.occurred_on
                and intervals.status = 'unpaid'
        )
        or coalesce(last_invoices.is_unpaid, false) as is_involuntary
    from churned
    inner join ended
        on
            churned.customer_id = ended.customer_id
            and churned.currency = ended.currency
            and churned.occurred_on = ended.date
    left join subscriptions on ended.subscription_id = subscriptions.id
    left join last_invoices
        on
            ended.subscription_id = last_invoices.subscription_id
            and ended.date = last_invoices.date
            and last_invoices.recency = 1
),

final as (
    select
        occurred_on,
        customer_id,
        currency,
        case when bool_or(is_involuntary) then 'involuntary' else 'voluntary' end as churn_kind,
        max(cancellation_reason) as cancellation_reason,
        min(subscription_id) as subscription_id,
        min(unpaid_invoice_id) as unpaid_invoice_id
    from reasons
    group by occurred_on, customer_id, currency
)

select * from final
