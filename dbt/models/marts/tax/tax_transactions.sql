with movements as (
    select * from {{ ref('int_tax_movements') }}
),

published as (
    select
        tax_movement_id,
        document_id,
        line_id,
        document_type,
        movement,
        occurred_on,
        supplied_on,
        invoice_id,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        taxability_reason,
        is_taxed,
        is_inclusive,
        tax_rate_id,
        currency,
        {{ to_major('taxable_amount', 'currency') }} as taxable_amount,
        {{ to_major('amount', 'currency') }} as tax_amount
    from movements
),

final as (
    select
        document_id,
        line_id,
        document_type,
        occurred_on,
        customer_id,
        country,
        region,
        tax_type,
        rate,
        taxability_reason,
        currency,
        taxable_amount,
        tax_amount,
        {{ in_reporting_currency('tax_amount', 'currency', 'occurred_on') }}
            as tax_amount_reporting,
        movement,
        supplied_on,
        is_inclusive,
        jurisdiction,
        jurisdiction_level,
        invoice_id,
        tax_rate_id,
        tax_movement_id,
        is_taxed
    from published
)

select * from final
