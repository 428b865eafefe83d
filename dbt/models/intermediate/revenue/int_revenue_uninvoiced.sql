-- Revenue that no invoice bills: one-off payments and their refunds without their tax, application
-- fees earned on a marketplace, and transfers to connected accounts. None of it recurs. Where the
-- tax in a payment is unknown, so is its amount.
with charges as (
    select * from {{ ref('stg_stripe__charges') }}
    where
        status = 'succeeded'
        and amount_captured > 0
        and id not in (select charge_id from {{ ref('int_invoice_charges') }})
),

refunds as (
    select * from {{ ref('int_refunds') }}
    where is_standing and not is_release
),

taxes as (
    select source_id, amount from {{ ref('int_payment_taxes') }}
),

entries as (
    select
        charges.id as document_id,
        'payment' as document_type,
        charges.customer_id,
        charges.country,
        'one_off_payment' as kind,
        charges.currency,
        charges.amount_captured - {{ known_tax('of_intent', 'of_charge') }} as amount,
        charges.created_at as booked_at
    from charges
    left join taxes as of_intent on charges.payment_intent_id = of_intent.source_id
    left join taxes as of_charge on charges.id = of_charge.source_id
    union all
    select
        refunds.id,
        'refund',
        charges.customer_id,
        charges.country,
        'one_off_payment',
        refunds.currency,
        {{ known_tax('taxes') }} - refunds.amount,
        refunds.created_at
    from refunds
    inner join charges on refunds.charge_id = charges.id
    left join taxes on refunds.id = taxes.source_id
    union all
    select id, 'application_fee', null, null, 'application_fee', currency, amount, created_at
    from {{ ref('stg_stripe__application_fees') }}
    union all
    select id, 'application_fee', null, null, 'application_fee', currency, -amount, created_at
    from {{ ref('stg_stripe__application_fee_refunds') }}
    union all
    select id, 'transfer', null, null, 'connect_transfer', currency, -amount, created_at
    from {{ ref('stg_stripe__transfers') }}
    union all
    select id, 'transfer', null, null, 'connect_transfer', currency, amount, created_at
    from {{ ref('stg_stripe__transfer_reversals') }}
),

final as (
    select
        'booked' as entry,
        document_id as line_id,
        document_id,
        document_type,
        customer_id,
        country,
        cast(null as varchar) as subscription_id,
        cast(null as varchar) as product_id,
        kind,
        currency,
        cast(amount as bigint) as amount,
        booked_at,
        cast(null as timestamp) as period_starts_at,
        cast(null as timestamp) as period_ends_at
    from entries
)

select * from final
