-- Lines of Stripe Tax transactions: one-off taxed payments and their reversals. Those that Stripe
-- makes for invoices are left out: the invoices themselves carry that tax.
with landed as (
    {{ newest('tax.transaction') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'currency': 'varchar',
            'customer': 'json',
            'customer_details': {'address': {
                'city': 'varchar',
                'country': 'varchar',
                'state': 'varchar'
            }},
            'line_items': {'data': [{
                'id': 'varchar',
                'amount': 'bigint',
                'amount_tax': 'bigint',
                'reversal': {'original_line_item': 'varchar'},
                'tax_behavior': 'varchar',
                'tax_code': 'varchar'
            }]},
            'posted_at': 'bigint',
            'reference': 'varchar',
            'reversal': {'original_transaction': 'varchar'},
            'tax_date': 'bigint',
            'type': 'varchar'
        }) }} as payload
    from landed
),

exploded as (
    select
        id as tax_transaction_id,
        payload,
        {{ explode_array('payload.line_items.data') }} as line
    from parsed
    where payload.reference is null or payload.reference not like 'in!_%' escape '!'
),

final as (
    select
        tax_transaction_id,
        line.id as line_id,
        payload.type as type,
        payload.reference as reference,
        payload.reversal.original_transaction as original_transaction_id,
        line.reversal.original_line_item as original_line_id,
        {{ json_id('payload.customer', '$') }} as customer_id,
        upper(payload.customer_details.address.country) as country,
        payload.customer_details.address.state as state,
        payload.customer_details.address.city as city,
        {{ epoch('coalesce(payload.posted_at, payload.tax_date)') }} as posted_at,
        {{ epoch('payload.tax_date') }} as taxed_at,
        lower(payload.currency) as currency,
        line.tax_behavior = 'inclusive' as is_inclusive,
        line.amount - case when line.tax_behavior = 'inclusive' then line.amount_tax else 0 end
            as taxable_amount,
        line.amount_tax as amount
    from exploded
    where line.id is not null
)

select * from final
