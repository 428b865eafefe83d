{#-
    Division and rounding of decimals, exactly. DuckDB turns every division into a DOUBLE, so a
    quotient is taken with 128-bit integers there; Spark divides decimals as decimals.
-#}

{#-
    `numerator ÷ denominator`, rounded half-even to `digits` decimals, as DECIMAL(38, digits);
    null when the denominator is zero. `numerator` has at most `scale` decimals, `denominator`
    at most `denominator_scale`. Multiply first, divide last: this is the only rounding.
-#}
{% macro divide(numerator, denominator, digits, scale=12, denominator_scale=0) -%}
    {{ adapter.dispatch('divide')(numerator, denominator, digits, scale, denominator_scale) }}
{%- endmacro %}

{% macro default__divide(numerator, denominator, digits, scale, denominator_scale) -%}
    {%- set up = digits + denominator_scale - scale -%}
    {#- n/10^scale ÷ d/10^denominator_scale = n · 10^up ÷ d ÷ 10^digits, in whole numbers. -#}
    {%- set n = '(' ~ to_units(numerator, scale) ~ (' * ' ~ power_of_ten(up) if up > 0 else '') ~ ')' -%}
    {%- set d = '(' ~ to_units(denominator, denominator_scale) ~ (' * ' ~ power_of_ten(-up) if up < 0 else '') ~ ')' -%}
    cast(case when {{ d }} <> 0 then {{ half_even_quotient(n, d) }} end as decimal(38, 0))
    * {{ decimal_step(digits) }}
{%- endmacro %}

{% macro spark__divide(numerator, denominator, digits, scale, denominator_scale) -%}
    cast(bround(cast({{ numerator }} as decimal(38, {{ scale }}))
        / nullif(cast({{ denominator }} as decimal(38, {{ denominator_scale }})), 0), {{ digits }})
        as decimal(38, {{ digits }}))
{%- endmacro %}

{#-
    `amount × part ÷ whole` of amounts with at most 12 decimals and a whole number `part`, rounded
    half-even to 12 decimals. Only what the whole quotient leaves is scaled up: the product of two
    large amounts with 24 decimals has more than 38 digits.
-#}
{% macro share_of(amount, part, whole) -%}
    {{ adapter.dispatch('share_of')(amount, part, whole) }}
{%- endmacro %}

{% macro default__share_of(amount, part, whole) -%}
    {%- set n = to_units(amount ~ ' * cast(' ~ part ~ ' as decimal(19, 0))', 12) -%}
    {%- set d = to_units(whole, 12) -%}
    {%- set rest = '(((' ~ n ~ ') % (' ~ d ~ ')) * ' ~ power_of_ten(12) ~ ')' -%}
    cast(case when {{ d }} <> 0
        then (({{ n }}) // ({{ d }})) * {{ power_of_ten(12) }} + {{ half_even_quotient(rest, '(' ~ d ~ ')') }}
    end as decimal(38, 0)) * {{ decimal_step(12) }}
{%- endmacro %}

{% macro spark__share_of(amount, part, whole) -%}
    {{ spark__divide(amount ~ ' * cast(' ~ part ~ ' as decimal(19, 0))', whole, 12, 12, 12) }}
{%- endmacro %}

{#-
    A decimal of at most `scale` decimals as the integer number of its smallest steps. Through
    text: multiplying by 10^scale would need twice the digits on the way and overflow early.
-#}
{% macro to_units(value, scale) -%}
    {%- if scale == 0 -%} cast({{ value }} as hugeint)
    {%- else -%} cast(replace(cast(cast({{ value }} as decimal(38, {{ scale }})) as varchar), '.', '') as hugeint)
    {%- endif -%}
{%- endmacro %}

{#- n ÷ d of two integers, rounded half-even. Integer division truncates towards zero. -#}
{% macro half_even_quotient(n, d) -%}
    ({{ n }} // {{ d }}) + case
        when 2 * abs({{ n }} % {{ d }}) > abs({{ d }})
            or (2 * abs({{ n }} % {{ d }}) = abs({{ d }}) and ({{ n }} // {{ d }}) % 2 <> 0)
            then sign({{ n }}) * sign({{ d }})
        else 0
    end
{%- endmacro %}

{% macro power_of_ten(digits) -%} {{ '1' ~ '0' * digits }} {%- endmacro %}

{#- 10^-digits as a decimal literal: 0.01 for 2. -#}
{% macro decimal_step(digits) -%}
    {{ '1' if digits == 0 else '0.' ~ '0' * (digits - 1) ~ '1' }}
{%- endmacro %}

{#- A decimal of at most `scale` decimals rounded half-even to `digits`: DECIMAL(38, digits). -#}
{% macro round_half_even(value, digits, scale=12) -%}
    {{ divide(value, 1, digits, scale) }}
{%- endmacro %}
