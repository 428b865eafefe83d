with landed as (
    {{ newest('promotion_code') }}
),

parsed as (
    select
        id,
        created as created_at,
        livemode,
        {{ parse_json('payload', {
            'code': 'varchar',
            'active': 'boolean',
            'coupon': 'json',
            'promotion': {
                'coupon': 'json'
            },
            'customer': 'json',
            'expires_at': 'bigint',
            'max_redemptions': 'bigint',
            'times_redeemed': 'bigint'
        }) }} as payload
    from landed
),

final as (
    select
        id,
        created_at,
        payload.code as code,
        coalesce(
            {{ json_id('payload.promotion.coupon', '$') }},
            {{ json_id('payload.coupon', '$') }}
        ) as coupon_id,
        {{ json_id('payload.customer', '$') }} as customer_id,
        payload.active as is_active,
        {{ epoch('payload.expires_at') }} as expires_at,
        payload.max_redemptions as max_redemptions,
        payload.times_redeemed as times_redeemed
    from parsed
)

select * from final
