-- The newer shape has `taxes`, the older `tax_amounts`.
with lines as (
    select credit_note_id, line_id, currency, line
    from {{ ref('stg_stripe__credit_note_payload_lines') }}
),

newer as (
    select
        credit_note_id,
        line_id,
        currency,
        {{ explode_array('line.taxes') }} as tax
    from lines
),

older as (
    select
        credit_note_id,
        line_id,
        currency,
        {{ explode_array('line.tax_amounts') }} as tax
    from lines
    where line.taxes is null
),

every_shape as (
    select
        credit_note_id,
        line_id,
        currency,
        {{ json_id('tax.tax_rate_details.tax_rate', '$') }} as tax_rate_id,
        coalesce(tax.tax_behavior, 'exclusive') = 'inclusive' as is_inclusive,
        tax.taxability_reason as taxability_reason,
        tax.taxable_amount as taxable_amount,
        tax.amount as amount
    from newer
    union all
    select
        credit_note_id,
        line_id,
        currency,
        {{ json_id('tax.tax_rate', '$') }} as tax_rate_id,
        coalesce(tax.inclusive, false) as is_inclusive,
        tax.taxability_reason as taxability_reason,
        tax.taxable_amount as taxable_amount,
        tax.amount as amount
    from older
),

final as (
    select
        credit_note_id,
        line_id,
        row_number() over (
            partition by credit_note_id, line_id
            order by tax_rate_id, taxability_reason, amount, taxable_amount
        ) as tax_number,
        tax_rate_id,
        is_inclusive,
        taxability_reason,
        currency,
        taxable_amount,
        amount
    from every_shape
)

select * from final
