-- Sales without tax per day and place of the customer, in minor units: finalised invoices, and
-- payments that no invoice bills. Credit notes take theirs back.
with invoices as (
    select
        id,
        {{ reporting_date('finalized_at') }} as sold_on,
        customer_country as country,
        customer_state as region,
        customer_id,
        currency,
        coalesce(total_excluding_tax, total - tax_amount) as amount
    from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null and status in ('open', 'paid', 'uncollectible')
),

credits as (
    select
        {{ reporting_date('notes.created_at') }} as sold_on,
        invoices.country,
        invoices.region,
        notes.customer_id,
        notes.currency,
        -coalesce(notes.total_excluding_tax, notes.amount - notes.tax_amount) as amount,
        0 as sales
    from {{ ref('stg_stripe__credit_notes') }} as notes
    inner join invoices on notes.invoice_id = invoices.id
    where notes.status <> 'void'
),

taxes as (
    select source_id, amount from {{ ref('int_payment_taxes') }}
),

refunded_taxes as (
    select
        refunds.charge_id as source_id,
        {{ sum_known('taxes.amount') }} as amount
    from {{ ref('int_refunds') }} as refunds
    inner join taxes on refunds.id = taxes.source_id
    where refunds.is_standing and not refunds.is_release
    group by refunds.charge_id
),

payments as (
    select
        charges.created_on as sold_on,
        charges.billing_country as country,
        cast(null as varchar) as region,
        charges.customer_id,
        charges.currency,
        charges.amount_captured - charges.amount_refunded
        - {{ known_tax('of_intent', 'of_charge') }}
        + {{ known_tax('refunded_taxes') }} as amount,
        1 as sales
    from {{ ref('int_charges') }} as charges
    left join taxes as of_intent on charges.payment_intent_id = of_intent.source_id
    left join taxes as of_charge on charges.id = of_charge.source_id
    left join refunded_taxes on charges.id = refunded_taxes.source_id
    where
        charges.status = 'succeeded'
        and charges.invoice_id is null
        and charges.billing_country is not null
),

together as (
    select
        sold_on,
        country,
        region,
        customer_id,
        currency,
        amount,
        case when amount > 0 then 1 else 0 end as sales
    from invoices
    union all
    select * from credits
    union all
    select * from payments
),

businesses as (
    select distinct customer_id from {{ ref('stg_stripe__tax_ids') }}
    where not is_deleted and customer_id is not null
),

placed as (
    select
        together.*,
        case
            when businesses.customer_id is not null then true
            when
                together.customer_id is null
                or not {{ is_unread('tax_id', 'together.sold_on') }}
                then false
        end as is_business
    from together
    left join businesses on together.customer_id = businesses.customer_id
    where together.country is not null
),

final as (
    select
        sold_on,
        country,
        region,
        is_business,
        currency,
        {{ sum_known('amount') }} as amount,
        sum(sales) as sales
    from placed
    group by sold_on, country, region, is_business, currency
)

select * from final
