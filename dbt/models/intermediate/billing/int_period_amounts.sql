-- What a quantity of a price is billed for one period before discounts, in minor units: each
-- distinct combination is priced once.
with items as (
    select distinct
        price_id,
        currency,
        quantity,
        billing_scheme,
        tiers_mode,
        transform_divide_by,
        transform_round,
        unit_amount_decimal
    from {{ ref('int_subscription_state_items') }}
),

-- A package price counts packages: the quantity is divided and rounded as the price says.
packaged as (
    select
        *,
        case
            when transform_divide_by is null then quantity
            when transform_round = 'up'
                then {{ whole_quotient(
                    'quantity + transform_divide_by - 1', 'transform_divide_by'
                ) }}
            else {{ whole_quotient('quantity', 'transform_divide_by') }}
        end as units
    from items
),

tiers as (
    select * from {{ ref('stg_stripe__price_tiers') }}
),

-- The first tier is entered even by a quantity of zero: Stripe bills its flat amount then.
tiered as (
    select
        packaged.price_id,
        packaged.currency,
        packaged.quantity,
        packaged.unit_amount_decimal,
        packaged.transform_divide_by,
        sum(
            case
                when packaged.tiers_mode = 'graduated'
                    then
                        tiers.unit_amount_decimal * cast(
                            greatest(
                                least(
                                    packaged.units,
                                    coalesce(tiers.up_to_quantity, packaged.units)
                                )
                                - tiers.over_quantity, 0
                            ) as decimal(19, 0)
                        )
                else tiers.unit_amount_decimal * cast(packaged.units as decimal(19, 0))
            end
            + tiers.flat_amount_decimal
        ) as period_amount
    from packaged
    inner join tiers
        on
            packaged.price_id = tiers.price_id
            and packaged.currency = tiers.currency
            and (packaged.units > tiers.over_quantity or tiers.over_quantity = 0)
            and (
                packaged.tiers_mode = 'graduated'
                or tiers.up_to_quantity is null
                or packaged.units <= tiers.up_to_quantity
            )
    where packaged.billing_scheme = 'tiered'
    group by all
),

per_unit as (
    select
        price_id,
        currency,
        quantity,
        unit_amount_decimal,
        transform_divide_by,
        unit_amount_decimal * cast(units as decimal(19, 0)) as period_amount
    from packaged
    where billing_scheme <> 'tiered' or billing_scheme is null
),

final as (
    select
        price_id,
        currency,
        quantity,
        unit_amount_decimal,
        cast(period_amount as decimal(38, 12)) as period_amount
    from tiered
    union all
    select
        price_id,
        currency,
        quantity,
        unit_amount_decimal,
        cast(period_amount as decimal(38, 12)) as period_amount
    from per_unit
)

select * from final
