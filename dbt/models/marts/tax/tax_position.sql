-- Per month of the movement and jurisdiction: tax that became due to the authority, and tax that
-- customers paid or got back. What is due and not collected is the company's own money at risk.
with movements as (
    select
        {{ month_of('occurred_on') }} as month,
        country,
        region,
        tax_type,
        currency,
        amount as liability,
        0 as collected,
        0 as refunded
    from {{ ref('int_tax_movements') }}
),

one_off as (
    select
        {{ month_of('occurred_on') }} as month,
        country,
        region,
        tax_type,
        currency,
        0 as liability,
        case when amount > 0 then amount else 0 end as collected,
        case when amount < 0 then -amount else 0 end as refunded
    from {{ ref('int_tax_movements') }}
    where document_type in ('payment', 'refund')
),

paid as (
    select
        {{ month_of(reporting_date('paid_at')) }} as month,
        country,
        region,
        tax_type,
        currency,
        0 as liability,
        amount as collected,
        0 as refunded
    from {{ ref('int_invoice_taxes') }}
    where paid_at is not null and paid_at <= {{ as_of() }}
),

refunded as (
    select
        {{ month_of(reporting_date('issued_at')) }} as month,
        country,
        region,
        tax_type,
        currency,
        0 as liability,
        0 as collected,
        amount as refunded
    from {{ ref('int_credit_note_taxes') }}
    where is_refund and voided_at is null and issued_at <= {{ as_of() }}
),

together as (
    select * from movements
    union all
    select * from one_off
    union all
    select * from paid
    union all
    select * from refunded
),

monthly as (
    select
        month,
        country,
        region,
        tax_type,
        currency,
        sum(liability) as liability,
        sum(collected) as collected,
        sum(refunded) as refunded
    from together
    group by month, country, region, tax_type, currency
),

final as (
    select
        month,
        country,
        region,
        tax_type,
        currency,
        {{ to_major('liability', 'currency') }} as tax_owed,
        {{ to_major('collected', 'currency') }} as tax_collected,
        {{ to_major('refunded', 'currency') }} as tax_refunded,
        {{ to_major('liability - collected + refunded', 'currency') }} as tax_not_collected
    from monthly
)

select * from final
