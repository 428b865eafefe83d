with landed as (
    {{ newest('payment_intent') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'amount_capturable': 'bigint',
            'amount_received': 'bigint',
            'application_fee_amount': 'bigint',
            'canceled_at': 'bigint',
            'cancellation_reason': 'varchar',
            'capture_method': 'varchar',
            'currency': 'varchar',
            'customer': 'json',
            'invoice': 'json',
            'last_payment_error': {'code': 'varchar', 'decline_code': 'varchar', 'type': 'varchar'},
            'latest_charge': 'json',
            'on_behalf_of': 'json',
            'payment_method': 'json',
            'review': 'json',
            'setup_future_usage': 'varchar',
            'status': 'varchar',
            'transfer_data': {'destination': 'json'},
            'transfer_group': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.amount_capturable as amount_capturable,
        payload.amount_received as amount_received,
        payload.status as status,
        {{ json_id('payload.customer', '$') }} as customer_id,
        {{ json_id('payload.payment_method', '$') }} as payment_method_id,
        {{ json_id('payload.latest_charge', '$') }} as latest_charge_id,
        {{ json_id('payload.invoice', '$') }} as legacy_invoice_id,
        {{ json_id('payload.review', '$') }} as review_id,
        payload.capture_method as capture_method,
        payload.setup_future_usage as setup_future_usage,
        {{ json_id('payload.transfer_data.destination', '$') }} as destination_account_id,
        {{ json_id('payload.on_behalf_of', '$') }} as on_behalf_of_account_id,
        payload.transfer_group as transfer_group,
        payload.application_fee_amount as application_fee_amount,
        payload.last_payment_error.code as last_error_code,
        payload.last_payment_error.decline_code as last_decline_code,
        payload.last_payment_error.type as last_error_type,
        {{ epoch('payload.canceled_at') }} as canceled_at,
        payload.cancellation_reason as cancellation_reason
    from parsed
)

select * from final
