with lines as (
    select invoice_id, line_id, currency, line from {{ ref('stg_stripe__invoice_payload_lines') }}
),

final as (
    select
        line_id as id,
        invoice_id,
        case
            when line.parent.type = 'subscription_item_details' or line.type = 'subscription'
                then 'subscription'
            when
                coalesce(line.parent.subscription_item_details.subscription, line.subscription_item)
                is not null then 'subscription'
            else 'invoice_item'
        end as line_type,
        coalesce(
            line.parent.subscription_item_details.subscription,
            line.parent.invoice_item_details.subscription,
            {{ json_id('line.subscription', '$') }}
        ) as subscription_id,
        coalesce(
            line.parent.subscription_item_details.subscription_item, line.subscription_item
        ) as subscription_item_id,
        coalesce(
            line.parent.invoice_item_details.invoice_item,
            line.parent.subscription_item_details.invoice_item,
            line.invoice_item
        ) as invoice_item_id,
        coalesce(
            line.parent.subscription_item_details.proration,
            line.parent.invoice_item_details.proration,
            line.proration,
            false
        ) as is_proration,
        coalesce(
            {{ json_id('line.pricing.price_details.price', '$') }}, line.price.id, line.plan.id
        ) as price_id,
        coalesce(
            line.pricing.price_details.product,
            {{ json_id('line.price.product', '$') }},
            {{ json_id('line.plan.product', '$') }}
        ) as product_id,
        coalesce(line.pricing.unit_amount_decimal, line.price.unit_amount_decimal)
            as unit_amount_decimal,
        line.quantity as quantity,
        currency,
        line.amount as amount,
        coalesce({{ sum_of('line.discount_amounts', 'amount') }}, 0) as discount_amount,
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
        {{ epoch('line.period.start') }} as period_starts_at,
        {{ epoch('line.period."end"') }} as period_ends_at,
        line.description as description
    from lines
)

select * from final
