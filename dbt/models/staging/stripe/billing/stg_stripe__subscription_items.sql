with items as (
    select * from {{ ref('stg_stripe__subscription_version_items') }}
),

subscriptions as (
    select id, version_number from {{ ref('stg_stripe__subscriptions') }}
),

final as (
    select
        items.subscription_item_id as id,
        items.subscription_id,
        items.price_id,
        items.quantity,
        items.created_at,
        items.usage_type,
        items.current_period_starts_at,
        items.current_period_ends_at
    from items
    inner join subscriptions
        on
            items.subscription_id = subscriptions.id
            and items.version_number = subscriptions.version_number
)

select * from final
