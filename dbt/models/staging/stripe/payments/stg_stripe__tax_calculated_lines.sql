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
            'shipping_cost': {
                'amount': 'bigint',
                'amount_tax': 'bigint',
                'tax_behavior': 'varchar'
            },
            'posted_at': 'bigint',
            'reference': 'varchar',
            'reversal': {'original_transaction': 'varchar'},
            'tax_date': 'bigint',
            'type': 'varchar'
        }) }} as payload
    from landed
),

recorded as (
    select id as tax_transaction_id, payload from parsed
    where payload.reference is null or payload.reference not like 'in!_%' escape '!'
),

exploded as (
    select
        tax_transaction_id,
        payload,
        {{ explode_array('payload.line_items.data') }} as line
    from recorded
),

-- Shipping is a line of its own.
lines as (
    select
        tax_transaction_id,
        payload,
        line.id as line_id,
        line.reversal.original_line_item as original_line_id,
        line.tax_behavior as tax_behavior,
        line.amount as amount,
        line.amount_tax as amount_tax
    from exploded
    where line.id is not null
    union all
    select
        tax_transaction_id,
        payload,
        'shipping' as line_id,
        cast(null as varchar) as original_line_id,
        payload.shipping_cost.tax_behavior as tax_behavior,
        payload.shipping_cost.amount as amount,
        payload.shipping_cost.amount_tax as amount_tax
    from recorded
    where payload.shipping_cost.amount_tax <> 0
),

final as (
    select
        tax_transaction_id,
        line_id,
        payload.type as type,
        payload.reference as reference,
        payload.reversal.original_transaction as original_transaction_id,
        original_line_id,
        {{ json_id('payload.customer', '$') }} as customer_id,
        upper(payload.customer_details.address.country) as country,
        payload.customer_details.address.state as state,
        payload.customer_details.address.city as city,
        {{ epoch('coalesce(payload.posted_at, payload.tax_date)') }} as posted_at,
        {{ epoch('payload.tax_date') }} as taxed_at,
        lower(payload.currency) as currency,
        coalesce(tax_behavior, 'exclusive') = 'inclusive' as is_inclusive,
        amount - case when tax_behavior = 'inclusive' then amount_tax else 0 end as taxable_amount,
        amount_tax as amount
    from lines
)

select * from final
