-- Items of the phases to come. Stripe keeps a subscription's item when a phase changes its price:
-- an item is known by the running one of the same price, else by the only one that there is. The
-- tax that its price contains is that of its bills.
with phases as (
    select phase_id, schedule_id, phase_number, subscription_id, currency
    from {{ ref('int_scheduled_phases') }}
),

items as (
    select schedule_id, phase_number, item_number, price_id, quantity, item_discounts
    from {{ ref('stg_stripe__subscription_schedule_phases') }}
),

running as (
    select
        items.subscription_id,
        items.price_id,
        min(items.subscription_item_id) as subscription_item_id,
        count(*) over (partition by items.subscription_id) as items
    from {{ ref('stg_stripe__subscription_version_items') }} as items
    inner join {{ ref('stg_stripe__subscriptions') }} as newest
        on
            items.subscription_id = newest.id
            and items.version_number = newest.version_number
    group by items.subscription_id, items.price_id
),

known as (
    select
        phases.phase_id,
        items.item_number,
        items.price_id,
        phases.currency,
        items.quantity,
        items.item_discounts,
        coalesce(same.subscription_item_id, only_one.subscription_item_id) as running_item_id
    from phases
    inner join items
        on phases.schedule_id = items.schedule_id and phases.phase_number = items.phase_number
    left join running as same
        on phases.subscription_id = same.subscription_id and items.price_id = same.price_id
    left join running as only_one
        on phases.subscription_id = only_one.subscription_id and only_one.items = 1
),

final as (
    select
        phase_id,
        item_number,
        case
            when
                running_item_id is not null
                and row_number() over (
                    partition by phase_id, running_item_id order by item_number
                ) = 1
                then running_item_id
            else {{ text_key(['phase_id', 'item_number']) }}
        end as subscription_item_id,
        price_id,
        currency,
        quantity,
        item_discounts
    from known
)

select * from final
