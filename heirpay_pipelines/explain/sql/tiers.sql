select over_quantity, up_to_quantity, unit_amount_decimal, flat_amount_decimal
from staging.stg_stripe__price_tiers
where price_id = $price and currency = $currency
order by tier_number
