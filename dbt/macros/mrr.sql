{#-
    An amount per billing period as an amount per month, inclusive tax taken out: needs the
    columns `periods_per_year`, `interval_count` and `inclusive_percentage` beside it.
    amount × periods per year ÷ (12 × interval count) × 100 ÷ (100 + percentage), divided once.
-#}
{% macro monthly(amount) -%}
    {{ divide(
        '(' ~ amount ~ ' * (100 * periods_per_year))',
        '(12 * interval_count * cast(100 + inclusive_percentage as decimal(18, 6)))',
        12, 12, 6
    ) }}
{%- endmacro %}
