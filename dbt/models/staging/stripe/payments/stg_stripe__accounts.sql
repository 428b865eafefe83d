with landed as (
    {{ newest('account') }}
),

parsed as (
    select
        id,
        created as created_at,
        account as pulled_account_id,
        {{ parse_json('payload', {
            'business_profile': {'name': 'varchar', 'mcc': 'varchar'},
            'business_type': 'varchar',
            'charges_enabled': 'boolean',
            'country': 'varchar',
            'default_currency': 'varchar',
            'payouts_enabled': 'boolean',
            'type': 'varchar'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        id = pulled_account_id as is_own,
        upper(payload.country) as country,
        lower(payload.default_currency) as default_currency,
        payload.type as type,
        payload.business_type as business_type,
        payload.business_profile.name as business_name,
        payload.business_profile.mcc as merchant_category_code,
        coalesce(payload.charges_enabled, false) as charges_enabled,
        coalesce(payload.payouts_enabled, false) as payouts_enabled
    from parsed
)

select * from final
