with lines as (
    select invoice_id, line_id, currency, line from {{ ref('stg_invoice_payload_lines') }}
),

exploded as (
    select
        invoice_id,
        line_id,
        currency,
        {{ explode_array('line.discount_amounts') }} as discount
    from lines
),

final as (
    select
        invoice_id,
        line_id,
        {{ json_id('discount.discount', '$') }} as discount_id,
        currency,
        discount.amount as amount
    from exploded
)

select * from final
