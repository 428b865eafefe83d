-- The newer shape has `total_taxes`, the older `total_tax_amounts`.
with invoices as (
    select id, total_taxes, total_tax_amounts from {{ ref('stg_stripe__invoices') }}
),

newer as (
    select id, {{ explode_array('total_taxes') }} as tax from invoices
),

older as (
    select id, {{ explode_array('total_tax_amounts') }} as tax from invoices
    where total_taxes is null
),

final as (
    select
        id as invoice_id,
        {{ json_id('tax.tax_rate_details.tax_rate', '$') }} as tax_rate_id,
        tax.tax_behavior = 'inclusive' as is_inclusive,
        tax.amount as amount
    from newer
    union all
    select
        id as invoice_id,
        {{ json_id('tax.tax_rate', '$') }} as tax_rate_id,
        tax.inclusive as is_inclusive,
        tax.amount as amount
    from older
)

select * from final
