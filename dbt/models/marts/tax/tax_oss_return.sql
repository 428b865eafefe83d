-- EU One Stop Shop (Union scheme): supplies to consumers by quarter, member state and rate, in
-- euros at the rate of the ECB on the last day of the quarter (Directive 2006/112/EC, articles
-- 369g and 369h).
-- Corrections of earlier quarters stand apart, each with the quarter that it corrects.
with members as (
    select country from {{ ref('eu_members') }}
),

own as (
    select country from {{ ref('stg_accounts') }}
    where is_own and country is not null
),

supplies as (
    select
        cast(date_trunc('quarter', movements.occurred_on) as date) as quarter,
        cast(
            date_trunc('quarter', coalesce(movements.supplied_on, movements.occurred_on)) as date
        ) as supplied_quarter,
        movements.country,
        movements.rate,
        movements.currency,
        sum(movements.taxable_amount) as taxable_amount,
        sum(movements.amount) as amount
    from {{ ref('int_tax_movements') }} as movements
    inner join members on movements.country = members.country
    where
        movements.country not in (select country from own)
        and coalesce(movements.taxability_reason, 'standard_rated') in (
            'standard_rated', 'reduced_rated', 'zero_rated', 'portion_standard_rated',
            'portion_reduced_rated', 'product_exempt_holiday', 'proportionally_rated'
        )
    group by
        cast(date_trunc('quarter', movements.occurred_on) as date),
        cast(
            date_trunc('quarter', coalesce(movements.supplied_on, movements.occurred_on)) as date
        ),
        movements.country,
        movements.rate,
        movements.currency
),

rates as (
    select currency, rate_date, units_per_eur from {{ ref('int_exchange_rates') }}
),

converted as (
    select
        supplies.quarter,
        supplies.supplied_quarter,
        supplies.country,
        supplies.rate,
        {{ divide(to_major('supplies.taxable_amount', 'supplies.currency'),
            'rates.units_per_eur', 6, 3, 12) }} as taxable_amount,
        {{ divide(to_major('supplies.amount', 'supplies.currency'),
            'rates.units_per_eur', 6, 3, 12) }} as amount
    from supplies
    left join rates  -- noqa: ST11
        on
            supplies.currency = rates.currency
            and rates.rate_date = least(
                cast(supplies.quarter + interval 3 month - interval 1 day as date),
                {{ as_of_date() }}
            )
),

summed as (
    select
        quarter,
        supplied_quarter,
        country,
        rate,
        sum(taxable_amount) as taxable_amount,
        sum(amount) as amount
    from converted
    group by quarter, supplied_quarter, country, rate
),

final as (
    select
        quarter,
        case when supplied_quarter = quarter then 'supply' else 'correction' end as part,
        supplied_quarter,
        country as member_state,
        rate,
        'eur' as currency,
        cast({{ round_half_even('taxable_amount', 2, 6) }} as decimal(24, 3)) as taxable_amount,
        cast({{ round_half_even('amount', 2, 6) }} as decimal(24, 3)) as tax_amount
    from summed
)

select * from final
