-- The lines of each invoice with their nested lists: parsed once for the three models below.
with landed as (
    {{ newest('invoice') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'status': 'varchar',
            'currency': 'varchar',
            'lines': {'data': [{
                'id': 'varchar',
                'amount': 'bigint',
                'subtotal': 'bigint',
                'currency': 'varchar',
                'description': 'varchar',
                'quantity': 'bigint',
                'quantity_decimal': 'varchar',
                'discountable': 'boolean',
                'invoice_item': 'varchar',
                'period': {
                    'start': 'bigint',
                    'end': 'bigint'
                },
                'parent': {
                    'type': 'varchar',
                    'subscription_item_details': {
                        'subscription': 'varchar',
                        'subscription_item': 'varchar',
                        'proration': 'boolean',
                        'invoice_item': 'varchar'
                    },
                    'invoice_item_details': {
                        'invoice_item': 'varchar',
                        'subscription': 'varchar',
                        'proration': 'boolean'
                    }
                },
                'pricing': {
                    'price_details': {
                        'price': 'json',
                        'product': 'varchar'
                    },
                    'unit_amount_decimal': 'decimal(38, 12)'
                },
                'price': {
                    'id': 'varchar',
                    'product': 'json',
                    'unit_amount_decimal': 'decimal(38, 12)',
                    'recurring': {
                        'usage_type': 'varchar'
                    }
                },
                'plan': {
                    'id': 'varchar',
                    'product': 'json'
                },
                'proration': 'boolean',
                'subscription': 'json',
                'subscription_item': 'varchar',
                'type': 'varchar',
                'discount_amounts': [{
                    'amount': 'bigint',
                    'discount': 'json'
                }],
                'discounts': ['json'],
                'taxes': [{
                    'amount': 'bigint',
                    'tax_behavior': 'varchar',
                    'tax_rate_details': {
                        'tax_rate': 'json'
                    },
                    'taxability_reason': 'varchar',
                    'taxable_amount': 'bigint'
                }],
                'tax_amounts': [{
                    'amount': 'bigint',
                    'inclusive': 'boolean',
                    'tax_rate': 'json',
                    'taxability_reason': 'varchar',
                    'taxable_amount': 'bigint'
                }]
            }]}
        }) }} as payload
    from landed
),

exploded as (
    select
        id as invoice_id,
        lower(payload.currency) as invoice_currency,
        {{ explode_array('payload.lines.data') }} as line
    from parsed
),

final as (
    select
        invoice_id,
        line.id as line_id,
        lower(coalesce(line.currency, invoice_currency)) as currency,
        line
    from exploded
    where line.id is not null
)

select * from final
