with landed as (
    {{ newest('payment_method') }}
),

parsed as (
    select
        id,
        created as created_at,
        {{ parse_json('payload', {
            'type': 'varchar',
            'customer': 'json',
            'billing_details': {'address': {'country': 'varchar'}},
            'card': {
                'brand': 'varchar',
                'country': 'varchar',
                'exp_month': 'bigint',
                'exp_year': 'bigint',
                'fingerprint': 'varchar',
                'funding': 'varchar',
                'last4': 'varchar',
                'wallet': {'type': 'varchar'}
            },
            'sepa_debit': {'country': 'varchar', 'fingerprint': 'varchar', 'last4': 'varchar'},
            'us_bank_account': {'fingerprint': 'varchar', 'last4': 'varchar'}
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.type as type,
        {{ json_id('payload.customer', '$') }} as customer_id,
        payload.card.brand as brand,
        upper(coalesce(
            payload.card.country,
            payload.sepa_debit.country,
            case when payload.type = 'us_bank_account' then 'US' end
        )) as country,
        upper(payload.billing_details.address.country) as billing_country,
        payload.card.funding as funding,
        payload.card.wallet.type as wallet,
        payload.card.exp_month as expiry_month,
        payload.card.exp_year as expiry_year,
        coalesce(
            payload.card.fingerprint,
            payload.sepa_debit.fingerprint,
            payload.us_bank_account.fingerprint
        ) as fingerprint,
        coalesce(
            payload.card.last4, payload.sepa_debit.last4, payload.us_bank_account.last4
        ) as last4
    from parsed
)

select * from final
