with lines as (
    select credit_note_id, line_id, currency, line
    from {{ ref('stg_stripe__credit_note_payload_lines') }}
),

final as (
    select
        line_id as id,
        credit_note_id,
        line.type as line_type,
        line.invoice_line_item as invoice_line_id,
        currency,
        line.quantity as quantity,
        line.amount as amount,
        coalesce(line.discount_amount, 0) as discount_amount,
        coalesce({{ sum_of(
            'line.taxes', 'amount', "coalesce(entry.tax_behavior, 'exclusive') = 'inclusive'"
        ) }}, {{ sum_of(
            'line.tax_amounts', 'amount', 'coalesce(entry.inclusive, false)'
        ) }}, 0) as inclusive_tax_amount,
        coalesce({{ sum_of(
            'line.taxes', 'amount', "coalesce(entry.tax_behavior, 'exclusive') <> 'inclusive'"
        ) }}, {{ sum_of(
            'line.tax_amounts', 'amount', 'not coalesce(entry.inclusive, false)'
        ) }}, 0) as exclusive_tax_amount,
        line.description as description
    from lines
)

select * from final
