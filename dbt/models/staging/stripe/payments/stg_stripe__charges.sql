with landed as (
    {{ newest('charge') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'amount_captured': 'bigint',
            'amount_refunded': 'bigint',
            'application': 'json',
            'application_fee': 'json',
            'application_fee_amount': 'bigint',
            'balance_transaction': 'json',
            'billing_details': {'address': {'country': 'varchar'}, 'email': 'varchar'},
            'captured': 'boolean',
            'currency': 'varchar',
            'customer': 'json',
            'destination': 'json',
            'disputed': 'boolean',
            'failure_balance_transaction': 'json',
            'failure_code': 'varchar',
            'failure_message': 'varchar',
            'invoice': 'json',
            'on_behalf_of': 'json',
            'outcome': {
                'type': 'varchar',
                'reason': 'varchar',
                'network_status': 'varchar',
                'risk_level': 'varchar',
                'risk_score': 'bigint',
                'rule': 'json',
                'advice_code': 'varchar',
                'network_advice_code': 'varchar',
                'network_decline_code': 'varchar'
            },
            'paid': 'boolean',
            'payment_intent': 'json',
            'payment_method': 'varchar',
            'payment_method_details': {
                'type': 'varchar',
                'card': {
                    'brand': 'varchar',
                    'country': 'varchar',
                    'fingerprint': 'varchar',
                    'funding': 'varchar',
                    'issuer': 'varchar',
                    'network': 'varchar',
                    'network_transaction_id': 'varchar',
                    'three_d_secure': {'result': 'varchar'},
                    'wallet': {'type': 'varchar'}
                },
                'card_present': {
                    'brand': 'varchar',
                    'country': 'varchar',
                    'fingerprint': 'varchar',
                    'funding': 'varchar',
                    'wallet': {'type': 'varchar'}
                },
                'sepa_debit': {'country': 'varchar', 'fingerprint': 'varchar'},
                'us_bank_account': {'fingerprint': 'varchar'},
                'link': {'country': 'varchar'},
                'paypal': {'country': 'varchar'},
                'crypto': {'network': 'varchar'}
            },
            'receipt_email': 'varchar',
            'refunded': 'boolean',
            'review': 'json',
            'source_transfer': 'json',
            'status': 'varchar',
            'transfer': 'json',
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
        coalesce(
            payload.amount_captured,
            case when coalesce(payload.captured, false) then payload.amount else 0 end
        ) as amount_captured,
        coalesce(payload.amount_refunded, 0) as amount_refunded,
        payload.status as status,
        coalesce(payload.paid, false) as is_paid,
        coalesce(payload.captured, false) as is_captured,
        coalesce(payload.refunded, false) as is_refunded,
        coalesce(payload.disputed, false) as is_disputed,
        {{ json_id('payload.customer', '$') }} as customer_id,
        {{ json_id('payload.payment_intent', '$') }} as payment_intent_id,
        {{ json_id('payload.invoice', '$') }} as legacy_invoice_id,
        {{ json_id('payload.balance_transaction', '$') }} as balance_transaction_id,
        {{ json_id('payload.failure_balance_transaction', '$') }} as failure_balance_transaction_id,
        payload.payment_method as payment_method_id,
        payload.payment_method_details.type as payment_method_type,
        coalesce(
            payload.payment_method_details.card.brand,
            payload.payment_method_details.card_present.brand,
            payload.payment_method_details.crypto.network
        ) as brand,
        coalesce(
            payload.payment_method_details.card.wallet.type,
            payload.payment_method_details.card_present.wallet.type
        ) as wallet,
        upper(coalesce(
            payload.payment_method_details.card.country,
            payload.payment_method_details.card_present.country,
            payload.payment_method_details.sepa_debit.country,
            payload.payment_method_details.link.country,
            payload.payment_method_details.paypal.country,
            case when payload.payment_method_details.type = 'us_bank_account' then 'US' end,
            payload.billing_details.address.country
        )) as country,
        upper(payload.billing_details.address.country) as billing_country,
        -- whose a payment without a customer is; of all others the customer says it
        case
            when
                {{ json_id('payload.customer', '$') }} is null
                and coalesce(payload.billing_details.email, payload.receipt_email) like '%@%'
                then lower(coalesce(payload.billing_details.email, payload.receipt_email))
        end as guest_email,
        coalesce(
            payload.payment_method_details.card.funding,
            payload.payment_method_details.card_present.funding
        ) as funding,
        payload.payment_method_details.card.issuer as issuer,
        payload.payment_method_details.card.network as network,
        coalesce(
            payload.payment_method_details.card.fingerprint,
            payload.payment_method_details.card_present.fingerprint,
            payload.payment_method_details.sepa_debit.fingerprint,
            payload.payment_method_details.us_bank_account.fingerprint
        ) as fingerprint,
        payload.payment_method_details.card.three_d_secure.result as three_d_secure_result,
        payload.failure_code as failure_code,
        payload.failure_message as failure_message,
        payload.outcome.type as outcome_type,
        payload.outcome.reason as outcome_reason,
        payload.outcome.network_status as network_status,
        payload.outcome.risk_level as risk_level,
        payload.outcome.risk_score as risk_score,
        {{ json_id('payload.outcome.rule', '$') }} as risk_rule_id,
        payload.outcome.advice_code as advice_code,
        payload.outcome.network_advice_code as network_advice_code,
        payload.outcome.network_decline_code as network_decline_code,
        {{ json_id('payload.review', '$') }} as review_id,
        coalesce(
            {{ json_id('payload.transfer_data.destination', '$') }},
            {{ json_id('payload.destination', '$') }}
        ) as destination_account_id,
        {{ json_id('payload.on_behalf_of', '$') }} as on_behalf_of_account_id,
        {{ json_id('payload.transfer', '$') }} as transfer_id,
        {{ json_id('payload.source_transfer', '$') }} as source_transfer_id,
        payload.transfer_group as transfer_group,
        {{ json_id('payload.application', '$') }} as application_id,
        {{ json_id('payload.application_fee', '$') }} as application_fee_id,
        payload.application_fee_amount as application_fee_amount
    from parsed
)

select * from final
