-- Each billed proration computed again from the customer's other lines, in minor units. Unused time
-- gives back the share of the line that billed it, at what was paid after discounts. The rest of a
-- period costs its share of a full one: of what the item costs for a period, less the discounts of
-- the period's bill, by the same percentage or by the same amount.
with invoices as (
    select id, customer_id, status from {{ ref('stg_stripe__invoices') }}
    where status not in ('draft', 'void')
),

lines as (
    select
        lines.*,
        invoices.customer_id,
        lines.amount - lines.discount_amount as net
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join invoices on lines.invoice_id = invoices.id
    where lines.subscription_item_id is not null and lines.period_ends_at > lines.period_starts_at
),

prorations as (
    select * from lines where is_proration
),

regular as (
    select * from lines where not is_proration
),

-- The newest line that billed the time which is given back.
billed as (
    select
        prorations.id,
        earlier.net,
        earlier.period_starts_at as starts_at,
        row_number() over (
            partition by prorations.id order by earlier.period_starts_at desc, earlier.id asc
        ) as place
    from prorations
    inner join lines as earlier
        on
            prorations.subscription_item_id = earlier.subscription_item_id
            and prorations.period_ends_at = earlier.period_ends_at
            and prorations.price_id = earlier.price_id
            and prorations.quantity = earlier.quantity
            and earlier.amount >= 0
            and (
                prorations.period_starts_at > earlier.period_starts_at
                or (
                    prorations.period_starts_at = earlier.period_starts_at
                    and not earlier.is_proration
                )
            )
    where prorations.amount < 0
),

-- The bill of the period that the change falls in: its length and its discounts.
periods as (
    select
        prorations.id,
        regular.period_starts_at as starts_at,
        regular.amount,
        regular.discount_amount,
        row_number() over (
            partition by prorations.id order by regular.period_starts_at desc, regular.id asc
        ) as place
    from prorations
    inner join regular
        on
            prorations.subscription_item_id = regular.subscription_item_id
            and prorations.period_ends_at = regular.period_ends_at
            and prorations.period_starts_at >= regular.period_starts_at
    where prorations.amount >= 0
),

-- What a full period of the new price and quantity costs, as a later bill shows it.
full_periods as (
    select prorations.id, max(regular.amount) as amount
    from prorations
    inner join regular
        on
            prorations.subscription_item_id = regular.subscription_item_id
            and prorations.price_id = regular.price_id
            and prorations.quantity = regular.quantity
    where prorations.amount >= 0
    group by prorations.id
),

based as (
    select
        prorations.*,
        {{ seconds_between('prorations.period_starts_at', 'prorations.period_ends_at') }}
            as seconds,
        {{ seconds_between(
            'coalesce(billed.starts_at, periods.starts_at)', 'prorations.period_ends_at'
        ) }} as period_seconds,
        billed.net as billed_net,
        periods.amount as period_amount,
        periods.discount_amount as period_discount,
        coalesce(
            full_periods.amount,
            cast({{ round_half_even(
                'prorations.unit_amount_decimal * prorations.quantity', 0, 12
            ) }} as bigint)
        ) as full_amount
    from prorations
    left join billed on prorations.id = billed.id and billed.place = 1
    left join periods on prorations.id = periods.id and periods.place = 1
    left join full_periods on prorations.id = full_periods.id
),

recomputed as (
    select
        *,
        case
            when amount < 0
                then {{ divide('-(billed_net * seconds)', 'period_seconds', 0, 0, 0) }}
            when period_amount = 0
                then {{ divide('(full_amount * seconds)', 'period_seconds', 0, 0, 0) }}
            else {{ divide(
                '(full_amount * (period_amount - period_discount) * seconds)',
                '(period_amount * period_seconds)', 0, 0, 0
            ) }}
        end as by_share,
        case
            when amount >= 0
                then {{ divide(
                    '((full_amount - period_discount) * seconds)', 'period_seconds', 0, 0, 0
                ) }}
        end as by_amount
    from based
),

final as (
    select
        id as line_id,
        invoice_id,
        customer_id,
        subscription_id,
        subscription_item_id,
        price_id,
        quantity,
        period_starts_at,
        period_ends_at,
        currency,
        amount,
        cast(
            case
                when by_amount is not null and abs(amount - by_amount) < abs(amount - by_share)
                    then by_amount
                else by_share
            end as bigint
        ) as expected_amount
    from recomputed
)

select * from final
