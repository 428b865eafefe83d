-- Discounts with what they take off: as the coupon says, which may be deleted and in no list, else
-- as the invoice lines show that it reduced. Lines prove a percentage where their amounts differ
-- and the share does not; a share of whole percents counts as one; all else is a fixed amount.
with discounts as (
    select * from {{ ref('stg_stripe__discounts') }}
),

applied as (
    select
        applied.discount_id,
        applied.invoice_id,
        applied.line_id,
        applied.currency,
        applied.amount,
        lines.product_id,
        lines.amount - coalesce(sum(applied.amount) over (
            partition by applied.invoice_id, applied.line_id
            order by applied.position
            rows between unbounded preceding and 1 preceding
        ), 0) as base
    from {{ ref('stg_stripe__invoice_line_discounts') }} as applied
    inner join {{ ref('stg_stripe__invoice_lines') }} as lines
        on applied.invoice_id = lines.invoice_id and applied.line_id = lines.id
),

reduced as (
    select * from applied
    where amount > 0 and base > 0 and discount_id is not null
),

bills as (
    select
        reduced.discount_id,
        reduced.invoice_id,
        reduced.currency,
        sum(reduced.amount) as amount,
        sum(reduced.base) as base,
        row_number() over (
            partition by reduced.discount_id
            order by max(invoices.created_at) desc, reduced.invoice_id desc
        ) as recency
    from reduced
    inner join {{ ref('stg_stripe__invoices') }} as invoices on reduced.invoice_id = invoices.id
    group by reduced.discount_id, reduced.invoice_id, reduced.currency
),

shares as (
    select
        discount_id,
        count(*) as bills,
        min(amount) < max(amount) as is_amount_different,
        min(base) < max(base) as is_base_different,
        max(case when recency = 1 then amount end) as newest_amount,
        max(case when recency = 1 then currency end) as currency,
        {{ divide('sum(amount) * 100', 'sum(base)', 2, 0, 0) }} as percentage
    from bills
    group by discount_id
),

fits as (
    select
        reduced.discount_id,
        max(abs(reduced.base * shares.percentage - reduced.amount * 100)) <= 100 as is_share
    from reduced
    inner join shares on reduced.discount_id = shares.discount_id
    group by reduced.discount_id
),

-- Lines of the same bills that were not reduced: the coupon is for some products alone.
spared as (
    select distinct reduced.discount_id
    from reduced
    inner join {{ ref('stg_stripe__invoice_lines') }} as lines
        on reduced.invoice_id = lines.invoice_id
    left join reduced as others
        on
            lines.id = others.line_id
            and lines.invoice_id = others.invoice_id
            and reduced.discount_id = others.discount_id
    where lines.amount > 0 and not lines.is_proration and others.line_id is null
),

products as (
    select reduced.discount_id, {{ value_set('reduced.product_id') }} as product_ids
    from reduced
    inner join spared on reduced.discount_id = spared.discount_id
    where reduced.product_id is not null
    group by reduced.discount_id
),

-- What a subscription or a customer carries today outlasts a bill.
carried as (
    select {{ json_id('entry', '$') }} as discount_id
    from (
        select {{ explode_array('versions.discounts') }} as entry
        from {{ ref('stg_stripe__subscription_versions') }} as versions
        inner join {{ ref('stg_stripe__subscriptions') }} as newest
            on
                versions.subscription_id = newest.id
                and versions.version_number = newest.version_number
        union all
        select {{ explode_array('items.discounts') }} as entry
        from {{ ref('stg_stripe__subscription_version_items') }} as items
        inner join {{ ref('stg_stripe__subscriptions') }} as newest
            on
                items.subscription_id = newest.id
                and items.version_number = newest.version_number
    ) as entries
    union
    select discount_id from {{ ref('stg_stripe__customer_discounts') }}
    where removed_at is null
),

evidence as (
    select
        shares.discount_id,
        case
            when
                fits.is_share
                and (
                    (shares.is_base_different and shares.is_amount_different)
                    or (
                        not shares.is_base_different
                        and shares.percentage = {{ round_half_even('shares.percentage', 0, 2) }}
                    )
                )
                then cast(shares.percentage as decimal(9, 6))
        end as percent_off,
        shares.newest_amount as amount_off,
        shares.currency,
        products.product_ids,
        shares.bills > 1 or carried.discount_id is not null as is_lasting
    from shares
    inner join fits on shares.discount_id = fits.discount_id
    left join products on shares.discount_id = products.discount_id
    left join carried on shares.discount_id = carried.discount_id
),

every_id as (
    select id from discounts
    union
    select discount_id as id from evidence
),

found as (
    select
        every_id.id,
        discounts.coupon_id,
        case
            when discounts.duration is not null then discounts.duration
            when evidence.discount_id is null then null
            when discounts.ends_at is not null then 'repeating'
            when evidence.is_lasting then 'forever'
            else 'once'
        end as duration,
        {%- set is_stated = 'coalesce(discounts.percent_off, discounts.amount_off) is not null' %}
        case when {{ is_stated }} then discounts.percent_off else evidence.percent_off end
            as percent_off,
        case
            when {{ is_stated }} then discounts.amount_off
            when evidence.percent_off is null then evidence.amount_off
        end as amount_off,
        case when {{ is_stated }} then discounts.currency else evidence.currency end as currency,
        coalesce(
            discounts.product_ids,
            case when coupons.id is null or not {{ is_stated }} then evidence.product_ids end
        ) as product_ids,
        discounts.currency_options,
        discounts.promotion_code_id,
        discounts.customer_id,
        discounts.subscription_id,
        discounts.subscription_item_id,
        discounts.invoice_id,
        discounts.starts_at,
        discounts.ends_at,
        not {{ is_stated }} and evidence.discount_id is not null as is_from_lines
    from every_id
    left join discounts on every_id.id = discounts.id
    left join {{ ref('stg_stripe__coupons') }} as coupons on discounts.coupon_id = coupons.id
    left join evidence on every_id.id = evidence.discount_id
    where every_id.id is not null
),

-- A coupon as the discount that a schedule's phase will make of it.
planned as (
    select
        'planned_' || id as id,
        id as coupon_id,
        duration,
        percent_off,
        amount_off,
        currency,
        product_ids,
        currency_options,
        cast(null as varchar) as promotion_code_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as subscription_id,
        cast(null as varchar) as subscription_item_id,
        cast(null as varchar) as invoice_id,
        cast(null as timestamp) as starts_at,
        cast(null as timestamp) as ends_at,
        false as is_from_lines
    from {{ ref('stg_stripe__coupons') }}
),

final as (
    select * from found
    union all
    select * from planned
)

select * from final
