-- Per month of the movement and jurisdiction: tax that became due to the authority, and tax that
-- customers paid or got back. What is due and not collected is the company's own money at risk.
{#- What rises; a negative line of an invoice is part of its rise. -#}
{%- set rises = "('finalised', 'paid_after_uncollectible', 'credit_note_voided', 'one_off')" %}
{%- set place = 'country, region, jurisdiction, jurisdiction_level, tax_type, currency' %}
with movements as (
    select
        {{ month_of('occurred_on') }} as month,
        {{ place }},
        case when movement in {{ rises }} then amount else 0 end as accrued,
        case when movement in {{ rises }} then 0 else amount end as reversed,
        0 as collected,
        0 as refunded
    from {{ ref('int_tax_movements') }}
),

moneys as (
    select
        {{ month_of('occurred_on') }} as month,
        {{ place }},
        0 as accrued,
        0 as reversed,
        case when direction = 'collected' then amount else 0 end as collected,
        case when direction = 'refunded' then amount else 0 end as refunded
    from {{ ref('int_tax_collected') }}
),

together as (
    select * from movements
    union all
    select * from moneys
),

monthly as (
    select
        month,
        {{ place }},
        sum(accrued) as accrued,
        sum(reversed) as reversed,
        sum(collected) as collected,
        sum(refunded) as refunded
    from together
    group by month, {{ place }}
),

final as (
    select
        month,
        {{ place }},
        {{ to_major('accrued', 'currency') }} as tax_accrued,
        {{ to_major('reversed', 'currency') }} as tax_reversed,
        {{ to_major('accrued + reversed', 'currency') }} as tax_owed,
        {{ to_major('collected', 'currency') }} as tax_collected,
        {{ to_major('refunded', 'currency') }} as tax_refunded,
        {{ to_major('accrued + reversed - collected + refunded', 'currency') }}
            as tax_not_collected
    from monthly
)

select * from final
