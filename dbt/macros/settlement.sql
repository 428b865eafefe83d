{#-
    What an amount in one currency should settle to in another, in minor units: amount × rate, both
    exponents heeded (¥1,000 is 1000 units, $1,000 is 100000).
-#}
{% macro expected_settlement(amount, currency, settlement_currency, exchange_rate) -%}
    case
        when {{ currency }} = {{ settlement_currency }} then cast({{ amount }} as decimal(38, 6))
        else cast(
            {{ to_major(amount, currency) }} * cast({{ exchange_rate }} as decimal(14, 9))
            * {{ by_exponent(settlement_currency, {0: '1', 2: '100', 3: '1000'}) }}
            as decimal(38, 6)
        )
    end
{%- endmacro %}
