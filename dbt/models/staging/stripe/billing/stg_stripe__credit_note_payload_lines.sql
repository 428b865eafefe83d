-- The lines of each credit note with their taxes: parsed once for the two models below.
with landed as (
    {{ newest('credit_note') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'currency': 'varchar',
            'lines': {'data': [{
                'id': 'varchar',
                'type': 'varchar',
                'invoice_line_item': 'varchar',
                'amount': 'bigint',
                'amount_excluding_tax': 'bigint',
                'discount_amount': 'bigint',
                'quantity': 'bigint',
                'description': 'varchar',
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
        id as credit_note_id,
        lower(payload.currency) as currency,
        {{ explode_array('payload.lines.data') }} as line
    from parsed
),

final as (
    select
        credit_note_id,
        line.id as line_id,
        currency,
        line
    from exploded
    where line.id is not null
)

select * from final
