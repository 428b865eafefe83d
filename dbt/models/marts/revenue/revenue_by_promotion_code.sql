-- What promotion codes, and coupons without one, took off and what was billed with them: invoice
-- lines in the month of their invoice, one-off payments of Checkout in the month of the payment.
with invoices as (
    select id, customer_id, finalized_at from {{ ref('stg_stripe__invoices') }}
    where
        finalized_at <= {{ as_of() }}
        and coalesce(voided_at > {{ as_of() }}, true)
),

applied as (
    select invoice_id, line_id, discount_id, currency, sum(amount) as amount
    from {{ ref('stg_stripe__invoice_line_discounts') }}
    where amount <> 0
    group by invoice_id, line_id, discount_id, currency
),

discounts as (
    select id, coupon_id, promotion_code_id from {{ ref('int_discounts') }}
),

-- A line that two discounts of one code reduced was billed once.
of_lines as (
    select
        invoices.id as document_id,
        invoices.customer_id,
        invoices.finalized_at as booked_at,
        lines.id as line_id,
        lines.currency,
        discounts.coupon_id,
        discounts.promotion_code_id,
        sum(applied.amount) as discount_amount,
        max(lines.amount - lines.discount_amount - lines.inclusive_tax_amount) as billed
    from applied
    inner join invoices on applied.invoice_id = invoices.id
    inner join {{ ref('stg_stripe__invoice_lines') }} as lines
        on applied.invoice_id = lines.invoice_id and applied.line_id = lines.id
    left join discounts on applied.discount_id = discounts.id
    group by all
),

sessions as (
    select
        id,
        customer_id,
        payment_intent_id,
        created_at,
        currency,
        discount_amount,
        amount_total - tax_amount as billed,
        {{ explode_array('discounts') }} as discount
    from {{ ref('stg_stripe__checkout_sessions') }}
    where
        mode = 'payment'
        and invoice_id is null
        and status = 'complete'
        and payment_status in ('paid', 'no_payment_required')
        and discount_amount <> 0
),

payments as (
    select payment_intent_id, min(created_at) as paid_at
    from {{ ref('stg_stripe__charges') }}
    where status = 'succeeded'
    group by payment_intent_id
),

of_checkout as (
    select
        sessions.id as document_id,
        sessions.customer_id,
        coalesce(payments.paid_at, sessions.created_at) as booked_at,
        sessions.id as line_id,
        sessions.currency,
        {{ json_id('sessions.discount.coupon', '$') }} as coupon_id,
        {{ json_id('sessions.discount.promotion_code', '$') }} as promotion_code_id,
        sessions.discount_amount,
        sessions.billed
    from sessions
    left join payments on sessions.payment_intent_id = payments.payment_intent_id
),

every_use as (
    select * from of_lines
    union all
    select * from of_checkout
),

codes as (
    select id, code, coupon_id from {{ ref('stg_stripe__promotion_codes') }}
),

monthly as (
    select
        {{ month_of(reporting_date('every_use.booked_at')) }} as month,
        every_use.promotion_code_id,
        codes.code,
        coalesce(every_use.coupon_id, codes.coupon_id) as coupon_id,
        every_use.currency,
        count(distinct every_use.document_id) as documents,
        count(distinct every_use.customer_id) as customers,
        sum(every_use.discount_amount) as discount_amount,
        sum(every_use.billed) as billed
    from every_use
    left join codes on every_use.promotion_code_id = codes.id
    group by all
),

coupons as (
    select id, name from {{ ref('stg_stripe__coupons') }}
),

final as (
    select
        monthly.month,
        monthly.promotion_code_id,
        monthly.code,
        monthly.coupon_id,
        coupons.name as coupon_name,
        monthly.currency,
        monthly.documents,
        monthly.customers,
        {{ to_major('monthly.discount_amount', 'monthly.currency') }} as discount_amount,
        {{ to_major('monthly.billed', 'monthly.currency') }} as billed
    from monthly
    left join coupons on monthly.coupon_id = coupons.id
)

select * from final
