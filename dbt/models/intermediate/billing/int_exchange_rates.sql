-- One row per calendar day and currency with the rate of the last business day up to that day.
with rates as (
    select rate_date, currency, units_per_eur from {{ source('landing', 'ecb_rates') }}
    where rate_date <= {{ as_of_date() }}
),

with_euro as (
    select rate_date, currency, units_per_eur from rates
    union all
    select distinct rate_date, 'eur' as currency, cast(1 as decimal(24, 12)) as units_per_eur
    from rates
),

spans as (
    select
        currency,
        units_per_eur,
        rate_date as published_on,
        coalesce(
            lead(rate_date) over (partition by currency order by rate_date),
            -- The newest rate holds until the next; a currency that the ECB stopped publishing
            -- has no rate after its last.
            cast(
                case
                    when rate_date = max(rate_date) over () then {{ as_of_date() }} + interval 1 day
                    else rate_date + interval 1 day
                end as date
            )
        ) as next_on
    from with_euro
),

filled as (
    select
        {{ explode_dates('published_on', 'cast(next_on - interval 1 day as date)') }} as rate_date,
        currency,
        units_per_eur,
        published_on
    from spans
    where published_on >= date '2009-12-24'
),

final as (
    select
        filled.rate_date,
        filled.currency,
        filled.units_per_eur,
        reporting.units_per_eur as reporting_units_per_eur,
        filled.published_on
    from filled
    inner join filled as reporting
        on
            filled.rate_date = reporting.rate_date
            and reporting.currency = '{{ var("reporting_currency") }}'
)

select * from final
