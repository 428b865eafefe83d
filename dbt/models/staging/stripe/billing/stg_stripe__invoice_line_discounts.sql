with lines as (
    select invoice_id, line_id, currency, line from {{ ref('stg_stripe__invoice_payload_lines') }}
),

exploded as (
    select
        invoice_id,
        line_id,
        currency,
        {{ explode_with_position('line.discount_amounts') }}
    from lines
),

final as (
    select
        invoice_id,
        line_id,
        {{ json_id('entry.discount', '$') }} as discount_id,
        currency,
        position,
        entry.amount as amount
    from exploded
)

select * from final
