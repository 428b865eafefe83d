-- Sales of the last twelve months against each registration threshold in force, and whether tax is
-- collected there. Distance sales of the European Union count consumers outside the own country.
with sales as (
    select * from {{ ref('int_sales_by_place') }}
    where
        sold_on > cast({{ as_of_date() }} - interval 12 month as date)
        and sold_on <= {{ as_of_date() }}
),

members as (
    select country from {{ ref('eu_members') }}
),

own as (
    select max(country) as country from {{ ref('stg_accounts') }}
    where is_own
),

thresholds as (
    select * from {{ ref('registration_thresholds') }}
    where
        valid_from <= {{ as_of_date() }}
        and (valid_until is null or valid_until >= {{ as_of_date() }})
),

placed as (
    select
        case when members.country is not null then 'EU' else sales.country end as country,
        case when sales.country = 'US' then upper(sales.region) end as region,
        sales.currency,
        sales.amount,
        sales.sales
    from sales
    left join members on sales.country = members.country
    left join own on sales.country = own.country
    where members.country is null or (not sales.is_business and own.country is null)
),

summed as (
    select country, region, currency, sum(amount) as amount, sum(sales) as sales
    from placed
    group by country, region, currency
),

rates as (
    select currency, units_per_eur from {{ ref('int_exchange_rates') }}
    where rate_date = {{ as_of_date() }}
),

converted as (
    select
        thresholds.country,
        thresholds.region,
        thresholds.scheme,
        thresholds.amount as threshold,
        thresholds.transactions as threshold_count,
        thresholds.passed_by,
        thresholds.currency,
        thresholds.source,
        sum(
            case
                when summed.currency = thresholds.currency
                    then {{ to_major('summed.amount', 'summed.currency') }}
                else {{ divide(
                    "(" ~ to_major('summed.amount', 'summed.currency')
                    ~ " * cast(theirs.units_per_eur as decimal(18, 6)))",
                    'ours.units_per_eur', 3, 9, 12
                ) }}
            end
        ) as sales_amount,
        sum(summed.sales) as sales_count
    from thresholds
    inner join summed
        on
            thresholds.country = summed.country
            and coalesce(thresholds.region, '') = coalesce(summed.region, '')
    left join rates as ours on summed.currency = ours.currency  -- noqa: ST11
    left join rates as theirs on thresholds.currency = theirs.currency  -- noqa: ST11
    group by
        thresholds.country,
        thresholds.region,
        thresholds.scheme,
        thresholds.amount,
        thresholds.transactions,
        thresholds.passed_by,
        thresholds.currency,
        thresholds.source
),

-- How far each test is passed, and the threshold by them: 1 is just passed.
measured as (
    select
        *,
        case
            when passed_by = 'either' then greatest(amount_used, count_used)
            when passed_by = 'both' then least(amount_used, count_used)
            else amount_used
        end as used
    from (
        select
            *,
            -- A threshold of nothing is passed by the first sale.
            case
                when threshold = 0 then case when sales_amount > 0 then 2 else 0 end
                else cast(sales_amount as decimal(18, 3)) / threshold
            end as amount_used,
            cast(sales_count as decimal(18, 0)) / threshold_count as count_used
        from converted
    ) as tests
),

-- Tax that was charged in the last twelve months shows where one is registered.
collecting as (
    select distinct
        case when members.country is not null then 'EU' else movements.country end as country,
        case when movements.country = 'US' then upper(movements.region) end as region
    from {{ ref('int_tax_movements') }} as movements
    left join members on movements.country = members.country
    where
        movements.amount > 0
        and movements.occurred_on > cast({{ as_of_date() }} - interval 12 month as date)
),

final as (
    select
        measured.country,
        measured.region,
        measured.scheme,
        measured.currency,
        cast({{ by_exponent('measured.currency', {
            0: round_half_even('measured.sales_amount', 0, 3),
            2: round_half_even('measured.sales_amount', 2, 3),
            3: 'measured.sales_amount'
        }) }} as decimal(24, 3)) as sales_amount,
        cast(measured.sales_count as bigint) as sales_count,
        cast(measured.threshold as decimal(24, 3)) as threshold,
        cast(measured.threshold_count as bigint) as threshold_count,
        measured.passed_by,
        collecting.country is not null as is_collecting,
        case
            when collecting.country is not null then 'collecting'
            when measured.used > 1 then 'passed'
            when measured.used > 0.8 then 'near'
            else 'below'
        end as status,
        measured.source
    from measured
    left join collecting
        on
            measured.country = collecting.country
            and coalesce(measured.region, '') = coalesce(collecting.region, '')
)

select * from final
