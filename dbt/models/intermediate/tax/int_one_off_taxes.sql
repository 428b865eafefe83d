-- Tax of one-off payments that Stripe Tax recorded, and of their refunds, signed, in minor units.
with calculated as (
    select * from {{ ref('stg_stripe__tax_calculated_lines') }}
),

originals as (
    select distinct tax_transaction_id, taxed_at from calculated where type = 'transaction'
),

-- Stripe states no rate beside these lines. A rate in force that gives the amount to the minor unit
-- is the rate; else it is what the amounts say.
fitting as (
    select
        calculated.tax_transaction_id,
        calculated.line_id,
        max(in_force.rate) as rate,
        max(in_force.tax_type) as tax_type
    from calculated
    inner join {{ ref('tax_rates_in_force') }} as in_force
        on
            calculated.country = in_force.country
            and in_force.region is null
    where
        {{ reporting_date('calculated.taxed_at') }} >= in_force.valid_from
        and {{ reporting_date('calculated.taxed_at') }}
        <= coalesce(in_force.valid_until, date '9999-12-31')
        and abs(calculated.amount * 100 - calculated.taxable_amount * in_force.rate) <= 100
    group by calculated.tax_transaction_id, calculated.line_id
),

final as (
    select
        case when calculated.type = 'reversal' then 'refund' else 'payment' end as document_type,
        calculated.tax_transaction_id as document_id,
        calculated.line_id,
        1 as tax_number,
        case when calculated.type = 'reversal' then 'tax_refunded' else 'one_off' end as movement,
        calculated.posted_at as occurred_at,
        coalesce(originals.taxed_at, calculated.taxed_at) as supplied_at,
        cast(null as varchar) as invoice_id,
        calculated.customer_id,
        calculated.country,
        calculated.state as region,
        calculated.city as jurisdiction,
        cast(null as varchar) as jurisdiction_level,
        fitting.tax_type,
        coalesce(
            cast(fitting.rate as decimal(18, 6)),
            cast(
                {{ divide('calculated.amount * 100', 'calculated.taxable_amount', 2, 0, 0) }}
                as decimal(18, 6)
            )
        ) as rate,
        cast(null as varchar) as tax_rate_id,
        calculated.amount <> 0 as is_taxed,
        cast(null as varchar) as taxability_reason,
        calculated.is_inclusive,
        calculated.currency,
        calculated.taxable_amount,
        calculated.amount
    from calculated
    left join originals on calculated.original_transaction_id = originals.tax_transaction_id
    left join fitting
        on
            calculated.tax_transaction_id = fitting.tax_transaction_id
            and calculated.line_id = fitting.line_id
)

select * from final
