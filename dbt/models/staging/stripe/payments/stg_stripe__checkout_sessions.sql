-- Checkout sessions: what a one-off payment was charged with, its tax above all.
with landed as (
    {{ newest('checkout.session') }}
),

parsed as (
    select
        id,
        created as created_at,
        observed_at,
        {{ parse_json('payload', {
            'mode': 'varchar',
            'status': 'varchar',
            'payment_status': 'varchar',
            'payment_intent': 'json',
            'invoice': 'json',
            'customer': 'json',
            'currency': 'varchar',
            'amount_subtotal': 'bigint',
            'amount_total': 'bigint',
            'discounts': [{
                'coupon': 'json',
                'promotion_code': 'json'
            }],
            'customer_details': {
                'address': {
                    'country': 'varchar',
                    'state': 'varchar'
                },
                'tax_exempt': 'varchar'
            },
            'total_details': {
                'amount_discount': 'bigint',
                'amount_shipping': 'bigint',
                'amount_tax': 'bigint',
                'breakdown': {
                    'taxes': [{
                        'amount': 'bigint',
                        'rate': 'json',
                        'taxability_reason': 'varchar',
                        'taxable_amount': 'bigint'
                    }]
                }
            }
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        observed_at,
        payload.mode as mode,
        payload.status as status,
        payload.payment_status as payment_status,
        {{ json_id('payload.payment_intent', '$') }} as payment_intent_id,
        {{ json_id('payload.invoice', '$') }} as invoice_id,
        {{ json_id('payload.customer', '$') }} as customer_id,
        lower(payload.currency) as currency,
        payload.amount_subtotal as amount_subtotal,
        payload.amount_total as amount_total,
        coalesce(payload.total_details.amount_discount, 0) as discount_amount,
        coalesce(payload.total_details.amount_tax, 0) as tax_amount,
        payload.discounts as discounts,
        payload.total_details.breakdown.taxes as taxes,
        upper(payload.customer_details.address.country) as customer_country,
        payload.customer_details.address.state as customer_state,
        payload.customer_details.tax_exempt as customer_tax_exempt
    from parsed
)

select * from final
