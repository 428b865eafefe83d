-- A price's amounts in its own currency and in each of its `currency_options`.
with landed as (
    {{ newest('price') }}
    union all
    {{ newest('plan') }}
),

parsed as (
    select
        id,
        {{ parse_json('payload', {
            'currency': 'varchar',
            'unit_amount': 'decimal(38, 12)',
            'unit_amount_decimal': 'decimal(38, 12)',
            'amount': 'decimal(38, 12)',
            'amount_decimal': 'decimal(38, 12)',
            'tax_behavior': 'varchar',
            'tiers': 'json',
            'currency_options': 'map(varchar, json)'
        }) }} as payload
    from landed
),

own as (
    select
        id as price_id,
        lower(payload.currency) as currency,
        coalesce(
            payload.unit_amount_decimal, payload.unit_amount,
            payload.amount_decimal, payload.amount
        ) as unit_amount_decimal,
        coalesce(payload.tax_behavior, 'unspecified') as tax_behavior,
        payload.tiers as tiers
    from parsed
),

entries as (
    select id, {{ explode_map('payload.currency_options') }} as entry from parsed
),

options as (
    select
        id as price_id,
        lower(entry.key) as currency,
        {{ parse_json('entry.value', {
            'unit_amount': 'decimal(38, 12)',
            'unit_amount_decimal': 'decimal(38, 12)',
            'tax_behavior': 'varchar',
            'tiers': 'json'
        }) }} as payload
    from entries
),

every_currency as (
    select price_id, currency, unit_amount_decimal, tax_behavior, tiers, true as is_own from own
    union all
    select
        price_id,
        currency,
        coalesce(payload.unit_amount_decimal, payload.unit_amount) as unit_amount_decimal,
        coalesce(payload.tax_behavior, 'unspecified') as tax_behavior,
        payload.tiers as tiers,
        false as is_own
    from options
),

-- A plan lands beside the price of the same id, and `currency_options` repeats the own currency.
ranked as (
    select
        price_id,
        currency,
        unit_amount_decimal,
        tax_behavior,
        tiers,
        row_number() over (
            partition by price_id, currency
            order by tiers is null asc, is_own desc, tax_behavior asc, unit_amount_decimal asc
        ) as preference
    from every_currency
),

final as (
    select
        price_id,
        currency,
        unit_amount_decimal,
        tax_behavior,
        {{ parse_json('tiers', [{
            'up_to': 'bigint',
            'unit_amount': 'decimal(38, 12)',
            'unit_amount_decimal': 'decimal(38, 12)',
            'flat_amount': 'decimal(38, 12)',
            'flat_amount_decimal': 'decimal(38, 12)'
        }]) }} as tiers
    from ranked
    where preference = 1
)

select * from final
