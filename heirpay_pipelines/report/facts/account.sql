-- title: The Stripe account
-- asset: staging/accounts
-- rows: select * from staging.accounts

select id, business_name, country, default_currency, charges_enabled, payouts_enabled
from staging.accounts
where is_own
