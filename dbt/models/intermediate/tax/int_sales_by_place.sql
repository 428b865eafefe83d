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

payments as (
    select
        created_on as sold_on,
        billing_country as country,
        cast(null as varchar) as region,
        customer_id,
        currency,
        amount_captured - amount_refunded as amount,
        1 as sales
    from {{ ref('int_charges') }}
    where status = 'succeeded' and invoice_id is null and billing_country is not null
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

final as (
    select
        together.sold_on,
        together.country,
        together.region,
        businesses.customer_id is not null as is_business,
        together.currency,
        sum(together.amount) as amount,
        sum(together.sales) as sales
    from together
    left join businesses on together.customer_id = businesses.customer_id
    where together.country is not null
    group by
        together.sold_on,
        together.country,
        together.region,
        businesses.customer_id is not null,
        together.currency
)

select * from final
