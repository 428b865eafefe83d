with landed as (
    {{ newest('credit_note') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'number': 'varchar',
            'customer': 'json',
            'invoice': 'json',
            'currency': 'varchar',
            'status': 'varchar',
            'type': 'varchar',
            'reason': 'varchar',
            'amount': 'bigint',
            'subtotal': 'bigint',
            'total': 'bigint',
            'total_excluding_tax': 'bigint',
            'discount_amount': 'bigint',
            'amount_shipping': 'bigint',
            'shipping_cost': {
                'amount_tax': 'bigint',
                'amount_total': 'bigint',
                'taxes': [{
                    'amount': 'bigint',
                    'rate': 'json',
                    'tax_behavior': 'varchar',
                    'tax_rate_details': {'tax_rate': 'json'},
                    'taxability_reason': 'varchar',
                    'taxable_amount': 'bigint'
                }]
            },
            'pre_payment_amount': 'bigint',
            'post_payment_amount': 'bigint',
            'out_of_band_amount': 'bigint',
            'total_taxes': [{
                'amount': 'bigint'
            }],
            'tax_amounts': [{
                'amount': 'bigint'
            }],
            'customer_balance_transaction': 'json',
            'refunds': [{
                'refund': 'json',
                'amount_refunded': 'bigint'
            }],
            'refund': 'json',
            'effective_at': 'bigint',
            'voided_at': 'bigint'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.number as number,
        {{ json_id('payload.customer', '$') }} as customer_id,
        {{ json_id('payload.invoice', '$') }} as invoice_id,
        lower(payload.currency) as currency,
        payload.status as status,
        payload.type as type,
        payload.reason as reason,
        payload.amount as amount,
        payload.total_excluding_tax as total_excluding_tax,
        coalesce(
            {{ sum_of('payload.total_taxes', 'amount') }},
            {{ sum_of('payload.tax_amounts', 'amount') }},
            0
        ) as tax_amount,
        coalesce(payload.discount_amount, 0) as discount_amount,
        coalesce(payload.shipping_cost.amount_total, payload.amount_shipping, 0)
            as shipping_amount,
        coalesce(
            payload.shipping_cost.amount_tax,
            {{ sum_of('payload.shipping_cost.taxes', 'amount') }},
            0
        ) as shipping_tax_amount,
        payload.shipping_cost.taxes as shipping_taxes,
        payload.pre_payment_amount as pre_payment_amount,
        payload.post_payment_amount as post_payment_amount,
        coalesce(payload.out_of_band_amount, 0) as out_of_band_amount,
        {{ json_id('payload.customer_balance_transaction', '$') }}
            as customer_balance_transaction_id,
        coalesce(
            {{ ids_of('payload.refunds', 'refund') }},
            {{ array_of(json_id('payload.refund', '$')) }}
        ) as refund_ids,
        {{ epoch('payload.effective_at') }} as effective_at,
        {{ epoch('payload.voided_at') }} as voided_at
    from parsed
)

select * from final
