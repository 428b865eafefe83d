-- EU One Stop Shop: supplies to consumers by quarter, member state and rate, in euros. Corrections
-- of earlier quarters stand apart, each with the quarter that it corrects.
with supplies as (
    select * from {{ ref('int_oss_supplies') }}
),

own as (
    select max(case when members.country is not null then 1 else 0 end) as is_in_union
    from {{ ref('stg_stripe__accounts') }} as accounts
    left join {{ ref('eu_members') }} as members on accounts.country = members.country
    where accounts.is_own
),

summed as (
    select
        quarter,
        supplied_quarter,
        country,
        rate,
        sum({{ divide('taxable_amount', 'units_per_eur', 6, 3, 12) }}) as taxable_amount,
        sum({{ divide('tax_amount', 'units_per_eur', 6, 3, 12) }}) as tax_amount,
        string_agg(case when units_per_eur is null then currency end, ', ' order by currency)
            as currencies_without_rate
    from supplies
    group by quarter, supplied_quarter, country, rate
),

final as (
    select
        summed.quarter,
        case when summed.supplied_quarter = summed.quarter then 'supply' else 'correction' end
            as part,
        summed.supplied_quarter,
        summed.country as member_state,
        summed.rate,
        'eur' as currency,
        cast({{ round_half_even('coalesce(summed.taxable_amount, 0)', 2, 6) }} as decimal(24, 3))
            as taxable_amount,
        cast({{ round_half_even('coalesce(summed.tax_amount, 0)', 2, 6) }} as decimal(24, 3))
            as tax_amount,
        case when own.is_in_union = 1 then 'union' else 'non-union' end as scheme,
        summed.currencies_without_rate
    from summed
    cross join own
)

select * from final
