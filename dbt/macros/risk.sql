{#- An amount in dollars of six decimals, by a rate row that has `usd_per_eur` beside. -#}
{% macro usd(amount, currency, rates) -%}
    {{ divide(
        '(' ~ to_major(amount, currency) ~ ' * cast(' ~ rates ~ '.usd_per_eur as decimal(14, 6)))',
        rates ~ '.units_per_eur', 6, 9, 12
    ) }}
{%- endmacro %}
