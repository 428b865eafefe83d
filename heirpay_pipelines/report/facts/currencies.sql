-- title: Decimals of each currency
-- asset: intermediate/currencies
-- rows: select * from intermediate.currencies

select currency, exponent from intermediate.currencies
