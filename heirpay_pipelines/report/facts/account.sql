-- title: The Stripe account
-- asset: staging/stg_stripe__accounts
-- rows: select * from staging.stg_stripe__accounts

select id, business_name, country, default_currency, charges_enabled, payouts_enabled
from staging.stg_stripe__accounts
where is_own
