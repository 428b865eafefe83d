-- Stripe cannot list discounts: they are found inside what they apply to. All versions of
-- subscriptions and customers are read, so that a discount which is gone from them is known.
with invoice_landed as (
    {{ newest('invoice') }}
),

invoice_item_landed as (
    {{ newest('invoiceitem') }}
),

customer_landed as (
    select observed_at, payload from {{ source('landing', 'customer') }}
    where observed_at <= {{ as_of() }}
),

subscription_versions as (
    select observed_at, discounts from {{ ref('stg_stripe__subscription_versions') }}
),

subscription_items as (
    select versions.observed_at, items.discounts
    from {{ ref('stg_stripe__subscription_version_items') }} as items
    inner join {{ ref('stg_stripe__subscription_versions') }} as versions
        on
            items.subscription_id = versions.subscription_id
            and items.version_number = versions.version_number
),

of_invoices as (
    select
        observed_at,
        {{ parse_json('payload', {'discount': 'json', 'discounts': ['json']}) }} as payload
    from (
        select observed_at, payload from invoice_landed
        union all
        select observed_at, payload from invoice_item_landed
    ) as documents
),

found as (
    select observed_at, {{ explode_array('discounts') }} as discount from subscription_versions
    union all
    select observed_at, {{ explode_array('discounts') }} as discount from subscription_items
    union all
    select observed_at, {{ explode_array('payload.discounts') }} as discount from of_invoices
    union all
    select observed_at, payload.discount as discount from of_invoices
    union all
    select observed_at, {{ json_part('payload', '$.discount') }} as discount from customer_landed
    union all
    select observed_at, payload as discount from {{ ref('stg_stripe__event_objects') }}
    where object_type in ('customer', 'discount')
),

parsed as (
    select
        observed_at,
        discount as text,
        {{ parse_json('discount', {
            'id': 'varchar',
            'coupon': 'json',
            'source': {
                'coupon': 'json'
            },
            'promotion_code': 'json',
            'customer': 'json',
            'subscription': 'varchar',
            'subscription_item': 'varchar',
            'invoice': 'varchar',
            'start': 'bigint',
            'end': 'bigint'
        }) }} as payload
    from (select distinct observed_at, discount from found) as seen
    where left(discount, 1) = '{'
),

ranked as (
    select
        *,
        row_number() over (partition by payload.id order by observed_at desc, text desc) as recency,
        coalesce(payload.source.coupon, payload.coupon) as coupon
    from parsed
    where payload.id is not null
),

-- A version may name the coupon by its id alone: it is read where it was expanded.
expanded as (
    select
        payload.id as id,
        {{ parse_json('coupon', {
            'id': 'varchar',
            'percent_off': 'decimal(9, 6)',
            'amount_off': 'bigint',
            'currency': 'varchar',
            'duration': 'varchar',
            'applies_to': {
                'products': ['varchar']
            },
            'currency_options': 'map(varchar, json)'
        }) }} as coupon,
        row_number() over (partition by payload.id order by recency) as place
    from ranked
    where left(coupon, 1) = '{'
),

coupons_embedded as (
    select
        ranked.payload,
        {{ json_id('ranked.coupon', '$') }} as coupon_id,
        expanded.coupon
    from ranked
    left join expanded on ranked.payload.id = expanded.id and expanded.place = 1
    where ranked.recency = 1
),

coupons as (
    select id, percent_off, amount_off, currency, duration, product_ids, currency_options
    from {{ ref('stg_stripe__coupons') }}
),

final as (
    select
        found.payload.id as id,
        found.coupon_id,
        coalesce(coupons.duration, found.coupon.duration) as duration,
        coalesce(coupons.percent_off, found.coupon.percent_off) as percent_off,
        coalesce(coupons.amount_off, found.coupon.amount_off) as amount_off,
        lower(coalesce(coupons.currency, found.coupon.currency)) as currency,
        coalesce(coupons.product_ids, found.coupon.applies_to.products) as product_ids,
        coalesce(coupons.currency_options, found.coupon.currency_options) as currency_options,
        {{ json_id('found.payload.promotion_code', '$') }} as promotion_code_id,
        {{ json_id('found.payload.customer', '$') }} as customer_id,
        found.payload.subscription as subscription_id,
        found.payload.subscription_item as subscription_item_id,
        found.payload.invoice as invoice_id,
        {{ epoch('found.payload.start') }} as starts_at,
        {{ epoch('found.payload."end"') }} as ends_at
    from coupons_embedded as found
    left join coupons on found.coupon_id = coupons.id
)

select * from final
