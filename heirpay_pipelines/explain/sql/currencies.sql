select currency, exponent from intermediate.currencies
