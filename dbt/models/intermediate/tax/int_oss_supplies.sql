-- Supplies to consumers in other member states, by the quarter in which they are declared and the
-- one in which they were made, with the rate to euros: the ECB's of the last day of the quarter of
-- the supply, or of the next day of publication, also for a later correction (Directive
-- 2006/112/EC, articles 366 and 369h). A running quarter takes the newest rate.
{%- set target = 'least(quarter_end, ' ~ as_of_date() ~ ')' %}
with members as (
    select country from {{ ref('eu_members') }}
),

own as (
    select country from {{ ref('stg_stripe__accounts') }}
    where is_own and country is not null
),

movements as (
    select
        *,
        cast(date_trunc('quarter', occurred_on) as date) as quarter,
        cast(date_trunc('quarter', coalesce(supplied_on, occurred_on)) as date) as supplied_quarter
    from {{ ref('int_tax_movements') }}
    where
        country in (select country from members)
        and country not in (select country from own)
        and is_taxed
),

summed as (
    select
        quarter,
        supplied_quarter,
        country,
        rate,
        currency,
        sum(taxable_amount) as taxable_amount,
        sum(amount) as amount
    from movements
    group by quarter, supplied_quarter, country, rate, currency
),

quarters as (
    select distinct
        supplied_quarter,
        currency,
        cast(supplied_quarter + interval 3 month - interval 1 day as date) as quarter_end
    from summed
),

candidates as (
    select
        quarters.supplied_quarter,
        quarters.currency,
        rates.rate_date,
        rates.units_per_eur,
        row_number() over (
            partition by quarters.supplied_quarter, quarters.currency
            order by
                case when rates.rate_date >= {{ target }} then 0 else 1 end,
                case when rates.rate_date >= {{ target }} then rates.rate_date end,
                rates.rate_date desc
        ) as place
    from quarters
    inner join {{ source('landing', 'ecb_rates') }} as rates
        on
            quarters.currency = rates.currency
            and rates.rate_date <= {{ as_of_date() }}
            and rates.rate_date between cast({{ target }} - interval 10 day as date)
            and cast({{ target }} + interval 10 day as date)
),

final as (
    select
        summed.quarter,
        summed.supplied_quarter,
        summed.country,
        summed.rate,
        summed.currency,
        candidates.rate_date,
        case
            when summed.currency = 'eur' then cast(1 as decimal(24, 12))
            else candidates.units_per_eur
        end as units_per_eur,
        {{ to_major('summed.taxable_amount', 'summed.currency') }} as taxable_amount,
        {{ to_major('summed.amount', 'summed.currency') }} as tax_amount
    from summed
    left join candidates
        on
            summed.supplied_quarter = candidates.supplied_quarter
            and summed.currency = candidates.currency
            and candidates.place = 1
)

select * from final
