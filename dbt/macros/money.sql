{#-
    Money. Stripe's amounts are integers of the currency's smallest unit; how many decimals that
    is comes from the `currencies` seed and from nowhere else. An unknown currency gives null:
    it is quarantined by a control, never guessed.
-#}

{#- Exponent by currency, read from the seed when a model is compiled. -#}
{% macro currency_exponents() -%}
    {%- set seed = ref('currencies') -%}
    {%- set exponents = {} -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'test', 'show', 'compile') -%}
        {%- for row in run_query('select currency, exponent from ' ~ seed ~ ' order by currency') -%}
            {%- do exponents.update({row[0]: row[1] | int}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(exponents) }}
{%- endmacro %}

{#- The number of decimals of a currency column: 0, 2 or 3; null for an unknown currency. -#}
{% macro currency_exponent(currency) -%}
    {{ by_exponent(currency, {0: '0', 2: '2', 3: '3'}) }}
{%- endmacro %}

{#- A case over the exponent of `currency`; `values` maps an exponent to an expression. -#}
{% macro by_exponent(currency, values) -%}
    {%- set exponents = currency_exponents() -%}
    case
        when {{ currency }} is null then null
        {%- for exponent, value in values.items() %}
        {%- set names = [] -%}
        {%- for name, its in exponents.items() if its == exponent -%}
            {%- do names.append("'" ~ name ~ "'") -%}
        {%- endfor %}
        {%- if names %}
        when {{ currency }} in ({{ names | join(', ') }}) then {{ value }}
        {%- endif -%}
        {%- endfor %}
    end
{%- endmacro %}

{#-
    An integer amount of minor units as DECIMAL(24, 3) major units, exactly. For a sum, sum the
    minor units first.
-#}
{% macro to_major(minor, currency) -%}
    cast(
        cast({{ minor }} as decimal(21, 0))
        * {{ by_exponent(currency, {0: '1.000', 2: '0.010', 3: '0.001'}) }}
        as decimal(24, 3)
    )
{%- endmacro %}

{#-
    An exact amount of minor units with decimals (at most `scale`) as a published amount:
    rounded half-even to the currency's exponent, DECIMAL(24, 3) major units.
-#}
{% macro publish_amount(minor, currency, scale=12) -%}
    {{ to_major(round_half_even(minor, 0, scale), currency) }}
{%- endmacro %}

{#-
    An amount of major units (of at most `scale` decimals) in the reporting currency,
    DECIMAL(24, 3), rounded half-even once to that currency's exponent: ECB reference rates of the last business
    day up to `date`. Null where the ECB published no rate for the currency. Use it on
    aggregated rows: it looks the rate up by a correlated subquery.
-#}
{% macro in_reporting_currency(amount_major, currency, date, scale=3) -%}
    {%- set rates = ref('int_exchange_rates') -%}
    {%- set exponents = currency_exponents() -%}
    {%- if exponents and var('reporting_currency') not in exponents -%}
        {%- do exceptions.raise_compiler_error(
            "HEIRPAY_REPORTING_CURRENCY " ~ var('reporting_currency') ~ " is not in the currencies seed") -%}
    {%- endif -%}
    {%- set exponent = exponents.get(var('reporting_currency'), 2) -%}
    cast(
        case
            when {{ currency }} = '{{ var("reporting_currency") }}'
                then {{ round_half_even(amount_major, exponent, scale) }}
            else (
                select {{ convert_by(amount_major, 'ecb', exponent, scale) }}
                -- Renamed, so that the outer query's columns of the same names are meant outside.
                from (
                    select
                        currency as ecb_currency,
                        rate_date as ecb_date,
                        units_per_eur,
                        reporting_units_per_eur
                    from {{ rates }}
                ) as ecb
                where ecb.ecb_currency = {{ currency }} and ecb.ecb_date = {{ date }}
            )
        end as decimal(24, 3)
    )
{%- endmacro %}

{#- amount × reporting units per euro ÷ units per euro, where a rate row is at hand. -#}
{% macro convert_by(amount, rates, digits, scale=3) -%}
    {{ divide(
        '(' ~ amount ~ ' * cast(' ~ rates ~ '.reporting_units_per_eur as decimal(18, 6)))',
        rates ~ '.units_per_eur', digits, scale + 6, 12
    ) }}
{%- endmacro %}
