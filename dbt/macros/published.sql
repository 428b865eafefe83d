{#-
    What marts publish. Amounts in `int_` models are minor units with decimals; a published amount
    is rounded half-even once, to the currency's exponent.
-#}

{#- An exact amount, not rounded: DECIMAL(38, 9) major units, for identities and drill-down. -#}
{% macro exact_major(minor, currency) -%}
    cast(
        {{ minor }} * {{ by_exponent(currency, {0: '1.000', 2: '0.010', 3: '0.001'}) }}
        as decimal(38, 9)
    )
{%- endmacro %}

{#- numerator ÷ denominator as a published rate of 6 decimals; null for a zero denominator. -#}
{% macro rate(numerator, denominator, scale=6, denominator_scale=6) -%}
    cast({{ divide(numerator, denominator, 6, scale, denominator_scale) }} as decimal(18, 6))
{%- endmacro %}
