-- Stripe cannot list discounts: they are found inside what they apply to. All versions of
-- subscriptions and customers are read, so that a discount which is gone from them is known.
{%- set places = {
    'subscription': ['discounts', 'discount', 'items'],
    'customer': ['discount'],
    'invoice': ['discounts', 'discount'],
    'invoiceitem': ['discounts'],
} %}
with
{%- for object, fields in places.items() %}
{{ object }}_versions as (
    select
        observed_at,
        {{ parse_json('payload', {
            'discount': 'json',
            'discounts': ['json'],
            'items': {'data': [{'discounts': ['json']}]}
        }) }} as payload
    from ({{ every_version(object) if object in ('subscription', 'customer') else newest(object) }})
        as versions
),
{% endfor %}
found as (
    select
        created as observed_at,
        {{ json_part('payload', '$.data.object') }} as discount
    from {{ source('landing', 'event') }}
    where
        observed_at <= {{ as_of() }}
        and {{ json_text('payload', '$.data.object.object') }} = 'discount'
    union all
{%- for object, fields in places.items() %}
    {%- set outer = loop %}
    {%- for field in fields %}
    {%- if field == 'discount' %}
    select observed_at, payload.discount as discount from {{ object }}_versions
    {%- elif field == 'discounts' %}
    select observed_at, {{ explode_array('payload.discounts') }} as discount
    from {{ object }}_versions
    {%- else %}
    select observed_at, {{ explode_array('item.discounts') }} as discount
    from (
        select observed_at, {{ explode_array('payload.items.data') }} as item
        from {{ object }}_versions
    ) as items
    {%- endif %}
    {%- if not (loop.last and outer.last) %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endfor %}
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

coupons_embedded as (
    select
        payload,
        {{ json_id('coupon', '$') }} as coupon_id,
        case when left(coupon, 1) = '{' then {{ parse_json('coupon', {
                'id': 'varchar',
                'percent_off': 'decimal(9, 6)',
                'amount_off': 'bigint',
                'currency': 'varchar',
                'duration': 'varchar',
                'applies_to': {
                    'products': ['varchar']
                }
            }) }} end as coupon
    from ranked
    where recency = 1
),

coupons as (
    select id, percent_off, amount_off, currency, duration, product_ids, currency_options
    from {{ ref('stg_coupons') }}
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
        coupons.currency_options,
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
