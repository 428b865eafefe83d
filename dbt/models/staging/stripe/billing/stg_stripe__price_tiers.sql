with amounts as (
    select price_id, currency, tiers from {{ ref('stg_stripe__price_amounts') }}
),

exploded as (
    select price_id, currency, {{ explode_array('tiers') }} as tier from amounts
),

final as (
    select
        price_id,
        currency,
        row_number() over (
            partition by price_id, currency order by tier.up_to nulls last
        ) as tier_number,
        coalesce(lag(tier.up_to) over (
            partition by price_id, currency order by tier.up_to nulls last
        ), 0) as over_quantity,
        tier.up_to as up_to_quantity,
        coalesce(tier.unit_amount_decimal, tier.unit_amount, 0) as unit_amount_decimal,
        coalesce(tier.flat_amount_decimal, tier.flat_amount, 0) as flat_amount_decimal
    from exploded
)

select * from final
