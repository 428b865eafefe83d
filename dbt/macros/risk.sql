{#- An amount in dollars of six decimals, by a rate row that has `usd_per_eur` beside. -#}
{% macro usd(amount, currency, rates) -%}
    {{ divide(
        '(' ~ to_major(amount, currency) ~ ' * cast(' ~ rates ~ '.usd_per_eur as decimal(14, 6)))',
        rates ~ '.units_per_eur', 6, 9, 12
    ) }}
{%- endmacro %}

{#- What a programme counts, of a row of summed `int_network_cases` and one of its thresholds. -#}
{% macro programme_cases(counted, thresholds) -%}
    case {{ thresholds }}.measure
        when 'fraud and disputes' then {{ counted }}.warnings + {{ counted }}.disputes
        when 'fraud disputes' then {{ counted }}.fraud_disputes
        when 'enumerated attempts' then {{ counted }}.enumerated
        else {{ counted }}.disputes
    end
{%- endmacro %}

{#- What of them is known for sure: disputes, where the warnings could not be read. -#}
{% macro programme_cases_at_least(counted, thresholds) -%}
    coalesce({{ programme_cases(counted, thresholds) }}, {{ counted }}.disputes)
{%- endmacro %}

{#- The dollars that count with these cases. -#}
{% macro programme_usd(counted, thresholds) -%}
    case
        when {{ thresholds }}.measure = 'fraud disputes' then {{ counted }}.fraud_amount_usd
        when {{ thresholds }}.measure = 'fraud and disputes' and {{ counted }}.warnings is null then null
        else {{ counted }}.amount_usd
    end
{%- endmacro %}
