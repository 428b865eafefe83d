-- Sales against each registration threshold in force for a seller of the account's country, and
-- whether tax is collected there. A threshold is measured over the last twelve months or over a
-- calendar year, the running one or the one before, whichever used more of it. Distance sales of
-- the European Union count consumers outside the own country. What cannot be read makes the sales
-- unknown: then a threshold is passed if what is known passes it, and else nobody can tell.
{%- set twelve_months_ago = 'cast(' ~ as_of_date() ~ ' - interval 12 month as date)' %}
{%- set year_before = "cast(date_trunc('year', " ~ as_of_date() ~ ") - interval 1 year as date)" %}
with members as (
    select country from {{ ref('eu_members') }}
),

own as (
    select
        max(accounts.country) as country,
        max(case when members.country is not null then 'EU' else accounts.country end) as place
    from {{ ref('stg_stripe__accounts') }} as accounts
    left join members on accounts.country = members.country
    where accounts.is_own
),

thresholds as (
    select seeds.*
    from {{ ref('registration_thresholds') }} as seeds
    cross join own
    where
        seeds.valid_from <= {{ as_of_date() }}
        and (seeds.valid_until is null or seeds.valid_until >= {{ as_of_date() }})
        and (
            seeds.seller = 'any'
            or seeds.seller
            = case when own.place = seeds.country then 'domestic' else 'foreign' end
        )
),

placed as (
    select
        case when members.country is not null then 'EU' else sales.country end as country,
        case when sales.country = 'US' then upper(sales.region) end as region,
        sales.sold_on,
        sales.currency,
        case when members.country is null or not sales.is_business then sales.amount end as amount,
        sales.sales
    from {{ ref('int_sales_by_place') }} as sales
    left join members on sales.country = members.country
    left join own on sales.country = own.country
    where
        (
            members.country is null
            or (not coalesce(sales.is_business, false) and own.country is null)
        )
        and sales.sold_on <= {{ as_of_date() }}
        -- A trailing year of every day of the last twelve months, and two calendar years.
        and sales.sold_on > cast({{ as_of_date() }} - interval 24 month as date)
),

rates as (
    select currency, units_per_eur from {{ ref('int_exchange_rates') }}
    where rate_date = {{ as_of_date() }}
),

-- Sales of a day in the threshold's currency.
days as (
    select
        thresholds.country,
        thresholds.region,
        thresholds.measured_over,
        placed.sold_on,
        sum(
            case
                when placed.currency = thresholds.currency
                    then {{ to_major('placed.amount', 'placed.currency') }}
                else {{ divide(
                    "(" ~ to_major('placed.amount', 'placed.currency')
                    ~ " * cast(theirs.units_per_eur as decimal(18, 6)))",
                    'ours.units_per_eur', 3, 9, 12
                ) }}
            end
        ) as amount,
        sum(placed.sales) as sales,
        sum(case when placed.amount is null then 1 else 0 end) as unknown
    from thresholds
    inner join placed
        on
            thresholds.country = placed.country
            and coalesce(thresholds.region, '') = coalesce(placed.region, '')
    left join rates as ours on placed.currency = ours.currency  -- noqa: ST11
    left join rates as theirs on thresholds.currency = theirs.currency  -- noqa: ST11
    group by thresholds.country, thresholds.region, thresholds.measured_over, placed.sold_on
),

-- What had been sold in the period by the end of each day, the as-of day included.
running as (
    select
        country,
        region,
        sold_on,
        sum(amount) over (
            partition by country, region order by sold_on
            range between interval 12 month preceding and current row
        ) as amount,
        sum(sales) over (
            partition by country, region order by sold_on
            range between interval 12 month preceding and current row
        ) as sales
    from days
    where measured_over = 'twelve_months'
    union all
    select
        country,
        region,
        sold_on,
        sum(amount) over (
            partition by country, region, extract(year from sold_on) order by sold_on
        ) as amount,
        sum(sales) over (
            partition by country, region, extract(year from sold_on) order by sold_on
        ) as sales
    from days
    where measured_over = 'calendar_year' and sold_on >= {{ year_before }}
),

periods as (
    select
        country,
        region,
        cast(null as integer) as year,
        sum(amount) as amount,
        sum(sales) as sales,
        sum(unknown) as unknown
    from days
    where measured_over = 'twelve_months' and sold_on > {{ twelve_months_ago }}
    group by country, region
    union all
    select
        country,
        region,
        cast(extract(year from sold_on) as integer) as year,
        sum(amount) as amount,
        sum(sales) as sales,
        sum(unknown) as unknown
    from days
    where measured_over = 'calendar_year' and sold_on >= {{ year_before }}
    group by country, region, extract(year from sold_on)
),

totals as (
    select
        'period' as kind,
        country,
        region,
        year,
        cast(null as date) as sold_on,
        amount,
        sales,
        unknown
    from periods
    union all
    select
        'day' as kind,
        country,
        region,
        cast(null as integer) as year,
        sold_on,
        amount,
        sales,
        cast(null as bigint) as unknown
    from running
),

-- How far each test is passed: 1 is just passed. A threshold of nothing is passed by a first sale.
tested as (
    select
        thresholds.*,
        totals.kind,
        totals.year,
        totals.sold_on,
        totals.amount as sales_amount,
        totals.sales as sales_count,
        totals.unknown,
        case
            when thresholds.amount = 0 then case when totals.amount > 0 then 2 else 0 end
            else cast(totals.amount as decimal(18, 3)) / thresholds.amount
        end as amount_used,
        cast(totals.sales as decimal(18, 0)) / thresholds.transactions as count_used
    from thresholds
    inner join totals
        on
            thresholds.country = totals.country
            and coalesce(thresholds.region, '') = coalesce(totals.region, '')
),

measured as (
    select
        *,
        case
            when passed_by = 'either' then greatest(amount_used, count_used)
            when passed_by = 'both' then least(amount_used, count_used)
            else amount_used
        end as used
    from tested
),

-- What is unknown of one year keeps the other from being called the larger.
ranked as (
    select
        *,
        max(unknown) over (partition by country, region) as unknown_sales,
        row_number() over (
            partition by country, region order by used desc, year desc
        ) as place
    from measured
    where kind = 'period'
),

passed as (
    select country, region, min(sold_on) as passed_on
    from measured
    where
        kind = 'day'
        and used > 1
        and (measured_over = 'calendar_year' or sold_on > {{ twelve_months_ago }})
    group by country, region
),

-- Tax that was charged in the last twelve months shows where one is registered; that of the own
-- country is no distance sale.
collecting as (
    select distinct
        case when members.country is not null then 'EU' else movements.country end as country,
        case when movements.country = 'US' then upper(movements.region) end as region
    from {{ ref('int_tax_movements') }} as movements
    left join members on movements.country = members.country
    left join own on movements.country = own.country
    where
        movements.amount > 0
        and movements.occurred_on > {{ twelve_months_ago }}
        and (members.country is null or own.country is null)
),

final as (
    select
        ranked.country,
        ranked.region,
        ranked.scheme,
        ranked.currency,
        case
            when ranked.unknown_sales = 0
                then cast({{ by_exponent('ranked.currency', {
                0: round_half_even('ranked.sales_amount', 0, 3),
                2: round_half_even('ranked.sales_amount', 2, 3),
                3: 'ranked.sales_amount'
            }) }} as decimal(24, 3))
        end as sales_amount,
        case
            when ranked.unknown_sales = 0 then cast(ranked.sales_count as bigint)
        end as sales_count,
        cast(ranked.amount as decimal(24, 3)) as threshold,
        cast(ranked.transactions as bigint) as threshold_count,
        ranked.passed_by,
        ranked.measured_over,
        ranked.year as measured_year,
        collecting.country is not null as is_collecting,
        case
            when collecting.country is not null then 'collecting'
            when ranked.used > 1 then 'passed'
            when ranked.unknown_sales > 0 then null
            when ranked.used > 0.8 then 'near'
            else 'below'
        end as status,
        case
            when ranked.used > 1 and ranked.unknown_sales = 0 then passed.passed_on
        end as passed_on,
        ranked.valid_from as threshold_valid_from,
        ranked.source
    from ranked
    left join passed
        on
            ranked.country = passed.country
            and coalesce(ranked.region, '') = coalesce(passed.region, '')
    left join collecting
        on
            ranked.country = collecting.country
            and coalesce(ranked.region, '') = coalesce(collecting.region, '')
    where ranked.place = 1
)

select * from final
