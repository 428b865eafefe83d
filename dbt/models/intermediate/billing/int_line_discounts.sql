-- What invoice lines of subscription items were reduced by, and in which period.
with lines as (
    select id, subscription_id, subscription_item_id, period_starts_at, period_ends_at
    from {{ ref('stg_stripe__invoice_lines') }}
    where subscription_item_id is not null
),

final as (
    select distinct
        lines.subscription_id,
        lines.subscription_item_id,
        lines.period_starts_at,
        lines.period_ends_at,
        applied.discount_id
    from {{ ref('stg_stripe__invoice_line_discounts') }} as applied
    inner join lines on applied.line_id = lines.id
    where applied.amount <> 0
)

select * from final
