with landed as (
    {{ newest('invoice') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'number': 'varchar',
            'customer': 'json',
            'currency': 'varchar',
            'status': 'varchar',
            'billing_reason': 'varchar',
            'collection_method': 'varchar',
            'parent': {
                'type': 'varchar',
                'subscription_details': {
                    'subscription': 'json'
                }
            },
            'subscription': 'json',
            'subtotal': 'bigint',
            'subtotal_excluding_tax': 'bigint',
            'total': 'bigint',
            'total_excluding_tax': 'bigint',
            'tax': 'bigint',
            'total_taxes': [{
                'amount': 'bigint',
                'tax_behavior': 'varchar',
                'tax_rate_details': {'tax_rate': 'json'}
            }],
            'total_tax_amounts': [{
                'amount': 'bigint',
                'inclusive': 'boolean',
                'tax_rate': 'json'
            }],
            'total_discount_amounts': [{
                'amount': 'bigint'
            }],
            'amount_due': 'bigint',
            'amount_paid': 'bigint',
            'amount_paid_off_stripe': 'bigint',
            'paid_out_of_band': 'boolean',
            'amount_remaining': 'bigint',
            'amount_shipping': 'bigint',
            'shipping_cost': {
                'amount_subtotal': 'bigint',
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
            'starting_balance': 'bigint',
            'ending_balance': 'bigint',
            'pre_payment_credit_notes_amount': 'bigint',
            'post_payment_credit_notes_amount': 'bigint',
            'attempt_count': 'bigint',
            'attempted': 'boolean',
            'charge': 'json',
            'payment_intent': 'json',
            'due_date': 'bigint',
            'effective_at': 'bigint',
            'period_start': 'bigint',
            'period_end': 'bigint',
            'next_payment_attempt': 'bigint',
            'customer_address': {
                'country': 'varchar',
                'state': 'varchar'
            },
            'customer_shipping': {
                'address': {
                    'country': 'varchar',
                    'state': 'varchar'
                }
            },
            'customer_tax_exempt': 'varchar',
            'account_tax_ids': 'json',
            'customer_tax_ids': 'json',
            'footer': 'varchar',
            'custom_fields': 'json',
            'status_transitions': {
                'finalized_at': 'bigint',
                'paid_at': 'bigint',
                'marked_uncollectible_at': 'bigint',
                'voided_at': 'bigint'
            },
            'from_invoice': {
                'action': 'varchar',
                'invoice': 'json'
            }
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.number as number,
        {{ json_id('payload.customer', '$') }} as customer_id,
        coalesce(
            {{ json_id('payload.parent.subscription_details.subscription', '$') }},
            {{ json_id('payload.subscription', '$') }}
        ) as subscription_id,
        lower(payload.currency) as currency,
        payload.status as status,
        payload.billing_reason as billing_reason,
        payload.collection_method as collection_method,
        payload.subtotal as subtotal,
        payload.subtotal_excluding_tax as subtotal_excluding_tax,
        coalesce({{ sum_of('payload.total_discount_amounts', 'amount') }}, 0) as discount_amount,
        coalesce(
            {{ sum_of('payload.total_taxes', 'amount') }},
            {{ sum_of('payload.total_tax_amounts', 'amount') }},
            payload.tax,
            0
        ) as tax_amount,
        payload.total_taxes as total_taxes,
        payload.total_tax_amounts as total_tax_amounts,
        coalesce(payload.shipping_cost.amount_total, payload.amount_shipping, 0)
            as shipping_amount,
        coalesce(
            payload.shipping_cost.amount_tax,
            {{ sum_of('payload.shipping_cost.taxes', 'amount') }},
            0
        ) as shipping_tax_amount,
        payload.shipping_cost.taxes as shipping_taxes,
        payload.total as total,
        payload.total_excluding_tax as total_excluding_tax,
        payload.amount_due as amount_due,
        payload.amount_paid as amount_paid,
        payload.amount_paid_off_stripe as amount_paid_off_stripe,
        coalesce(payload.paid_out_of_band, false) as is_paid_out_of_band,
        payload.amount_remaining as amount_remaining,
        payload.starting_balance as starting_balance,
        payload.ending_balance as ending_balance,
        coalesce(payload.pre_payment_credit_notes_amount, 0) as pre_payment_credit_notes_amount,
        coalesce(payload.post_payment_credit_notes_amount, 0) as post_payment_credit_notes_amount,
        payload.attempt_count as attempt_count,
        payload.attempted as is_attempted,
        {{ json_id('payload.charge', '$') }} as legacy_charge_id,
        {{ json_id('payload.payment_intent', '$') }} as legacy_payment_intent_id,
        upper(coalesce(
            payload.customer_address.country, payload.customer_shipping.address.country
        )) as customer_country,
        coalesce(
            payload.customer_address.state, payload.customer_shipping.address.state
        ) as customer_state,
        payload.customer_tax_exempt as customer_tax_exempt,
        {{ json_text('payload.account_tax_ids', '$[0]') }} is not null as has_seller_tax_id,
        {{ json_text('payload.customer_tax_ids', '$[0]') }} is not null as has_customer_tax_id,
        -- Stripe prints the note of itself on an invoice to a customer whose tax is reversed.
        coalesce(payload.customer_tax_exempt = 'reverse', false)
        {%- for words in [
            'reverse charge', 'steuerschuldnerschaft', 'autoliquidation', 'inversione contabile',
            'inversión del sujeto pasivo', 'btw verlegd', 'odwrotne obciążenie', 'autoliquidação',
            'omvänd'
        ] %}
        or lower(concat_ws(' ', payload.footer, cast(payload.custom_fields as varchar)))
        like '%{{ words }}%'
        {%- endfor %} as has_reverse_charge_note,
        {{ epoch('payload.period_start') }} as period_starts_at,
        {{ epoch('payload.period_end') }} as period_ends_at,
        {{ epoch('payload.due_date') }} as due_at,
        {{ epoch('payload.next_payment_attempt') }} as next_payment_attempt_at,
        {{ epoch('payload.effective_at') }} as effective_at,
        {{ epoch('payload.status_transitions.finalized_at') }} as finalized_at,
        {{ epoch('payload.status_transitions.paid_at') }} as paid_at,
        {{ epoch('payload.status_transitions.marked_uncollectible_at') }}
            as marked_uncollectible_at,
        {{ epoch('payload.status_transitions.voided_at') }} as voided_at,
        {{ json_id('payload.from_invoice.invoice', '$') }} as revised_invoice_id
    from parsed
)

select * from final
