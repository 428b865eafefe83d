-- Each attempt of Stripe Tax to record the tax of a payment without invoice, or of its refund.
with landed as (
    {{ newest('tax.association') }}
),

parsed as (
    select
        {{ parse_json('payload', {
            'payment_intent': 'varchar',
            'tax_transaction_attempts': [{
                'source': 'varchar',
                'status': 'varchar',
                'committed': {'transaction': 'varchar'},
                'errored': {'reason': 'varchar'}
            }]
        }) }} as payload
    from landed
),

exploded as (
    select
        payload.payment_intent as payment_intent_id,
        {{ explode_array('payload.tax_transaction_attempts') }} as attempt
    from parsed
),

final as (
    select
        payment_intent_id,
        attempt.source as source_id,
        attempt.status as status,
        attempt.committed.transaction as tax_transaction_id,
        attempt.errored.reason as reason
    from exploded
    where attempt.source is not null
)

select * from final
