{#- What rises; a negative line of an invoice is part of its rise. -#}
{%- set rises = "('finalised', 'paid_after_uncollectible', 'credit_note_voided', 'one_off')" %}
with movements as (
    select * from {{ ref('int_tax_movements') }}
),

monthly as (
    select
        {{ month_of('occurred_on') }} as month,
        country,
        region,
        tax_type,
        rate,
        currency,
        taxability_reason,
        is_inclusive,
        sum(taxable_amount) as taxable_amount,
        sum(amount) as amount,
        sum(case when movement in {{ rises }} then amount else 0 end) as accrued,
        sum(case when movement in {{ rises }} then 0 else amount end) as reversed,
        sum(
            case
                when {{ month_of('supplied_on') }} < {{ month_of('occurred_on') }} then amount
                else 0
            end
        ) as earlier,
        count(distinct document_id) as documents
    from movements
    group by
        {{ month_of('occurred_on') }},
        country,
        region,
        tax_type,
        rate,
        currency,
        taxability_reason,
        is_inclusive
),

final as (
    select
        month,
        country,
        region,
        tax_type,
        rate,
        currency,
        {{ to_major('taxable_amount', 'currency') }} as taxable_amount,
        {{ to_major('amount', 'currency') }} as tax_amount,
        documents,
        taxability_reason,
        is_inclusive,
        {{ to_major('accrued', 'currency') }} as tax_accrued,
        {{ to_major('reversed', 'currency') }} as tax_reversed,
        {{ to_major('earlier', 'currency') }} as tax_of_earlier_months
    from monthly
)

select * from final
