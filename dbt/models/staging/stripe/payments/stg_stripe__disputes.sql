with landed as (
    {{ newest('dispute') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'amount': 'bigint',
            'currency': 'varchar',
            'balance_transactions': [{
                'id': 'varchar',
                'amount': 'bigint',
                'created': 'bigint',
                'currency': 'varchar',
                'fee': 'bigint',
                'net': 'bigint',
                'reporting_category': 'varchar'
            }],
            'charge': 'json',
            'evidence_details': {
                'due_by': 'bigint',
                'has_evidence': 'boolean',
                'past_due': 'boolean',
                'submission_count': 'bigint'
            },
            'is_charge_refundable': 'boolean',
            'network_reason_code': 'varchar',
            'payment_intent': 'json',
            'payment_method_details': {
                'type': 'varchar',
                'card': {
                    'brand': 'varchar',
                    'case_type': 'varchar',
                    'network_reason_code': 'varchar'
                }
            },
            'reason': 'varchar',
            'status': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        lower(payload.currency) as currency,
        payload.amount as amount,
        payload.status as status,
        payload.reason as reason,
        coalesce(
            payload.network_reason_code, payload.payment_method_details.card.network_reason_code
        ) as network_reason_code,
        {{ json_id('payload.charge', '$') }} as charge_id,
        {{ json_id('payload.payment_intent', '$') }} as payment_intent_id,
        payload.payment_method_details.type as payment_method_type,
        payload.payment_method_details.card.brand as brand,
        payload.payment_method_details.card.case_type as case_type,
        coalesce(payload.is_charge_refundable, false) as is_charge_refundable,
        {{ epoch('payload.evidence_details.due_by') }} as evidence_due_at,
        coalesce(payload.evidence_details.has_evidence, false) as has_evidence,
        coalesce(payload.evidence_details.past_due, false) as is_past_due,
        coalesce(payload.evidence_details.submission_count, 0) as submission_count,
        payload.balance_transactions as balance_transactions
    from parsed
)

select * from final
