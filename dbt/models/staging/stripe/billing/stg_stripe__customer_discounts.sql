-- Which discount a customer as a whole carried, and from when it was gone: by the event of its
-- deletion, else by the first version of the customer without it.
with landed as (
    select id as customer_id, observed_at, {{ json_part('payload', '$.discount') }} as discount
    from {{ source('landing', 'customer') }}
    where observed_at <= {{ as_of() }}
    union all
    select object_id as customer_id, observed_at, payload as discount
    from {{ ref('stg_stripe__event_objects') }}
    where object_type = 'customer'
),

versions as (
    select distinct customer_id, observed_at, {{ json_id('discount', '$') }} as discount_id
    from landed
),

seen as (
    select customer_id, discount_id, max(observed_at) as last_seen_at
    from versions
    where discount_id is not null
    group by customer_id, discount_id
),

deleted as (
    select object_id as discount_id, min(created_at) as deleted_at
    from {{ ref('stg_stripe__events') }}
    where type = 'customer.discount.deleted'
    group by object_id
),

missed as (
    select
        seen.customer_id,
        seen.discount_id,
        min(later.observed_at) as missed_at
    from seen
    inner join versions as later
        on seen.customer_id = later.customer_id and seen.last_seen_at < later.observed_at
    group by seen.customer_id, seen.discount_id
),

final as (
    select
        seen.customer_id,
        seen.discount_id,
        seen.last_seen_at,
        coalesce(deleted.deleted_at, missed.missed_at) as removed_at
    from seen
    left join missed
        on seen.customer_id = missed.customer_id and seen.discount_id = missed.discount_id
    left join deleted on seen.discount_id = deleted.discount_id
)

select * from final
