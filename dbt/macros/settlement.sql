{#-
    What an amount in one currency should settle to in another, in minor units. Stripe's exchange
    rate relates minor units: 10,000 yen at 0.6523 are 6,523 cents, whatever decimals either has.
-#}
{% macro expected_settlement(amount, currency, settlement_currency, exchange_rate) -%}
    case
        when {{ currency }} = {{ settlement_currency }} then cast({{ amount }} as decimal(38, 12))
        else cast({{ amount }} as decimal(20, 0)) * cast({{ exchange_rate }} as decimal(18, 12))
    end
{%- endmacro %}

{#-
    How far a settled amount may be from the expected one: a rate is stated with five decimals or
    six digits, whichever is rougher, and the result is rounded to a minor unit.
-#}
{% macro settlement_tolerance(amount, settled_amount) -%}
    (1 + abs({{ amount }}) * 0.000005 + abs({{ settled_amount }}) * 0.00001)
{%- endmacro %}
