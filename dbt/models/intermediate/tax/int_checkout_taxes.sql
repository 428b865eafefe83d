-- noqa: disable=LT02
-- Tax of one-off payments through Checkout, and of their refunds, signed, in minor units. Left out
-- is what an invoice carries, and what Stripe Tax recorded of the same payment (int_one_off_taxes).
with recorded as (
    select distinct payment_intent_id from {{ ref('stg_stripe__tax_attempts') }}
    where status = 'committed' and payment_intent_id is not null
),

invoiced as (
    select distinct payment_intent_id from {{ ref('stg_stripe__invoice_payments') }}
    where payment_intent_id is not null
),

charges as (
    select id, payment_intent_id, status, amount_captured, created_at, billing_country
    from {{ ref('stg_stripe__charges') }}
    where payment_intent_id is not null
),

-- A payment is made when a charge of it succeeds; a debit that failed later never was.
attempts as (
    select
        payment_intent_id,
        min(case when status = 'succeeded' and amount_captured > 0 then created_at end) as paid_at,
        max(billing_country) as billing_country
    from charges
    group by payment_intent_id
),

intents as (
    select id, created_at from {{ ref('stg_stripe__payment_intents') }}
),

sessions as (
    select
        sessions.id,
        sessions.payment_intent_id,
        sessions.customer_id,
        sessions.amount_total,
        sessions.customer_state,
        sessions.customer_tax_exempt,
        coalesce(sessions.customer_country, attempts.billing_country) as customer_country,
        case
            when attempts.payment_intent_id is not null then attempts.paid_at
            when sessions.payment_status = 'paid'
                then coalesce(intents.created_at, sessions.created_at, sessions.observed_at)
        end as paid_at
    from {{ ref('stg_stripe__checkout_sessions') }} as sessions
    left join attempts on sessions.payment_intent_id = attempts.payment_intent_id
    left join intents on sessions.payment_intent_id = intents.id
    where
        sessions.mode = 'payment'
        and sessions.invoice_id is null
        and (
            sessions.payment_intent_id is null
            or (
                sessions.payment_intent_id not in (select payment_intent_id from recorded)
                and sessions.payment_intent_id not in (select payment_intent_id from invoiced)
            )
        )
),

rates as (
    select * from {{ ref('stg_stripe__tax_rates') }}
),

paid as (
    select
        sessions.id as session_id,
        sessions.payment_intent_id,
        sessions.customer_id,
        sessions.amount_total,
        sessions.paid_at,
        sessions.customer_tax_exempt,
        taxes.tax_number,
        taxes.tax_rate_id,
        coalesce(rates.country, taxes.country, sessions.customer_country) as country,
        coalesce(
            rates.state,
            taxes.state,
            case
                when rates.country is null and taxes.country is null
                    then sessions.customer_state
            end
        ) as region,
        coalesce(rates.jurisdiction, taxes.jurisdiction) as jurisdiction,
        coalesce(rates.jurisdiction_level, taxes.jurisdiction_level) as jurisdiction_level,
        coalesce(rates.tax_type, taxes.tax_type) as tax_type,
        coalesce(cast(rates.percentage as decimal(18, 6)), taxes.percentage) as stated_rate,
        taxes.taxability_reason as stated_reason,
        taxes.is_inclusive,
        taxes.currency,
        taxes.taxable_amount,
        taxes.amount
    from {{ ref('stg_stripe__checkout_taxes') }} as taxes
    inner join sessions on taxes.session_id = sessions.id
    left join rates on taxes.tax_rate_id = rates.id
    where sessions.paid_at is not null
),

decided as (
    select
        *,
        {{ is_taxed(
            'amount', 'stated_rate', 'taxable_amount', 'stated_reason', 'customer_tax_exempt'
        ) }} as is_taxed,
        coalesce(
            stated_rate,
            cast({{ divide('amount * 100', 'taxable_amount', 2, 0, 0) }} as decimal(18, 6))
        ) as rate
    from paid
),

refunds as (
    select
        refunds.id,
        coalesce(refunds.payment_intent_id, charges.payment_intent_id) as payment_intent_id,
        refunds.created_at,
        refunds.amount
    from {{ ref('int_refunds') }} as refunds
    left join charges on refunds.charge_id = charges.id
    where refunds.is_standing and not refunds.is_release
),

-- A refund gives back its share of each tax. Rounded cumulatively, so that a payment that was
-- refunded in full leaves no tax.
refunded as (
    select
        decided.*,
        refunds.id as refund_id,
        refunds.created_at as refunded_at,
        sum(refunds.amount) over (
            partition by decided.session_id, decided.tax_number
            order by refunds.created_at, refunds.id
            rows between unbounded preceding and current row
        ) as refunded_so_far
    from decided
    inner join refunds on decided.payment_intent_id = refunds.payment_intent_id
    where decided.amount_total > 0
),

shared as (
    select
        *
        {%- for measure in ['amount', 'taxable_amount'] %},
        cast({{ divide(
            measure ~ ' * least(refunded_so_far, amount_total)', 'amount_total', 0, 0, 0
        ) }} as bigint) as {{ measure }}_so_far
        {%- endfor %}
    from refunded
),

given_back as (
    select
        *
        {%- for measure in ['amount', 'taxable_amount'] %},
        {{ measure }}_so_far - coalesce(lag({{ measure }}_so_far) over (
            partition by session_id, tax_number order by refunded_at, refund_id
        ), 0) as {{ measure }}_back
        {%- endfor %}
    from shared
),

final as (
    {%- for kind, document, movement, instant, sign, suffix, source in [
        ('payment', 'session_id', 'one_off', 'paid_at', '', '', 'decided'),
        ('refund', 'refund_id', 'tax_refunded', 'refunded_at', '-', '_back', 'given_back'),
    ] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ kind }}' as document_type,
        {{ document }} as document_id,
        session_id as line_id,
        tax_number,
        '{{ movement }}' as movement,
        {{ instant }} as occurred_at,
        paid_at as supplied_at,
        cast(null as varchar) as invoice_id,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        tax_rate_id,
        is_taxed,
        {{ tax_reason('is_taxed', 'stated_reason', 'customer_tax_exempt') }} as taxability_reason,
        is_inclusive,
        currency,
        {{ sign }}taxable_amount{{ suffix }} as taxable_amount,
        {{ sign }}amount{{ suffix }} as amount
    from {{ source }}
    {%- endfor %}
)

select * from final
