-- Invoice lines when their invoice is finalised, credit-note lines, and both again with the sign
-- turned when the document is voided. Amounts are net of discounts and of tax. A credit note's
-- amount that names no line is spread over the invoice's lines by int_revenue_refunded, if it can.
with invoices as (
    select * from {{ ref('stg_stripe__invoices') }}
    where finalized_at is not null and finalized_at <= {{ as_of() }}
),

invoice_lines as (
    select * from {{ ref('stg_stripe__invoice_lines') }}
),

prices as (
    select price_id, product_id, usage_type, recurring_interval from {{ ref('int_prices') }}
),


lines as (
    select
        lines.id as line_id,
        lines.invoice_id as document_id,
        'invoice' as document_type,
        invoices.customer_id,
        invoices.customer_country as country,
        lines.subscription_id,
        coalesce(lines.product_id, prices.product_id) as product_id,
        case
            when lines.subscription_id is null then 'one_off_invoice'
            when prices.usage_type = 'metered' then 'usage'
            when prices.recurring_interval is null then 'one_off_invoice'
            else 'subscription'
        end as kind,
        lines.currency,
        lines.amount - lines.discount_amount - lines.inclusive_tax_amount as amount,
        invoices.finalized_at as booked_at,
        invoices.voided_at,
        lines.period_starts_at,
        lines.period_ends_at
    from invoice_lines as lines
    inner join invoices on lines.invoice_id = invoices.id
    left join prices on lines.price_id = prices.price_id
    union all
    -- Shipping is billed beside the lines, and its service is done when it is billed.
    select
        concat(id, ':shipping') as line_id,
        id as document_id,
        'invoice' as document_type,
        customer_id,
        customer_country as country,
        cast(null as varchar) as subscription_id,
        cast(null as varchar) as product_id,
        'one_off_invoice' as kind,
        currency,
        shipping_amount - shipping_tax_amount as amount,
        finalized_at as booked_at,
        voided_at,
        cast(null as timestamp) as period_starts_at,
        cast(null as timestamp) as period_ends_at
    from invoices
    where shipping_amount <> 0
),

-- Invoices that billed something and are credited without saying of which line.
credited_whole as (
    select notes.id as credit_note_id
    from {{ ref('stg_stripe__credit_notes') }} as notes
    inner join lines on notes.invoice_id = lines.document_id
    where
        notes.id in (
            select credit_note_id from {{ ref('stg_stripe__credit_note_lines') }}
            where invoice_line_id is null
        )
    group by notes.id
    having sum(lines.amount) > 0
),

credit_lines as (
    select
        credited.id as line_id,
        credited.credit_note_id as document_id,
        'credit_note' as document_type,
        notes.customer_id,
        lines.country,
        lines.subscription_id,
        lines.product_id,
        coalesce(lines.kind, 'one_off_invoice') as kind,
        credited.currency,
        -(credited.amount - credited.discount_amount - credited.inclusive_tax_amount) as amount,
        notes.created_at as booked_at,
        notes.voided_at,
        lines.period_starts_at,
        lines.period_ends_at
    from {{ ref('stg_stripe__credit_note_lines') }} as credited
    inner join {{ ref('stg_stripe__credit_notes') }} as notes on credited.credit_note_id = notes.id
    left join lines on credited.invoice_line_id = lines.line_id
    left join credited_whole on credited.credit_note_id = credited_whole.credit_note_id
    where credited.invoice_line_id is not null or credited_whole.credit_note_id is null
    union all
    select
        concat(notes.id, ':shipping') as line_id,
        notes.id as document_id,
        'credit_note' as document_type,
        notes.customer_id,
        invoices.customer_country as country,
        cast(null as varchar) as subscription_id,
        cast(null as varchar) as product_id,
        'one_off_invoice' as kind,
        notes.currency,
        notes.shipping_tax_amount - notes.shipping_amount as amount,
        notes.created_at as booked_at,
        notes.voided_at,
        cast(null as timestamp) as period_starts_at,
        cast(null as timestamp) as period_ends_at
    from {{ ref('stg_stripe__credit_notes') }} as notes
    left join invoices on notes.invoice_id = invoices.id
    where notes.shipping_amount <> 0
),

documents as (
    select * from lines
    union all
    select * from credit_lines
),

entries as (
    select *, 'booked' as entry from documents
    union all
    select * replace (-amount as amount, voided_at as booked_at), 'voided' as entry
    from documents
    where voided_at is not null and voided_at <= {{ as_of() }}
),

final as (
    select
        entry,
        line_id,
        document_id,
        document_type,
        customer_id,
        country,
        subscription_id,
        product_id,
        kind,
        currency,
        cast(amount as bigint) as amount,
        booked_at,
        period_starts_at,
        period_ends_at
    from entries
)

select * from final
