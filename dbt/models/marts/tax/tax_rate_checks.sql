-- Every rate that was charged, by place, against the one then in force; what is not compared says
-- why, so that nobody takes silence for a check.
with charged as (
    select * from {{ ref('int_tax_charged') }}
),

summed as (
    select
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        expected_rate,
        status,
        reason,
        source,
        currency,
        sum(taxable_amount) as taxable_amount,
        sum(amount) as amount,
        count(distinct document_id) as documents,
        min(supplied_on) as first_charged_on,
        max(supplied_on) as last_charged_on
    from charged
    group by all
),

final as (
    select
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate as charged_rate,
        expected_rate,
        status,
        reason,
        currency,
        {{ to_major('taxable_amount', 'currency') }} as taxable_amount,
        {{ to_major('amount', 'currency') }} as tax_amount,
        documents,
        first_charged_on,
        last_charged_on,
        source
    from summed
)

select * from final
