-- Which discount a customer as a whole carried, and from when it was seen to be gone.
with landed as (
    select id as customer_id, observed_at, {{ json_part('payload', '$.discount') }} as discount
    from {{ source('landing', 'customer') }}
    where observed_at <= {{ as_of() }}
    union all
    select object_id as customer_id, observed_at, payload as discount
    from {{ ref('stg_event_objects') }}
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

final as (
    select
        seen.customer_id,
        seen.discount_id,
        seen.last_seen_at,
        min(later.observed_at) as removed_at
    from seen
    left join versions as later
        on seen.customer_id = later.customer_id and seen.last_seen_at < later.observed_at
    group by seen.customer_id, seen.discount_id, seen.last_seen_at
)

select * from final
