-- Bank lines as matching needs them: in bank days, with their references bare, and whether they
-- name Stripe (`bank_counterparty` in the project's vars) or carry a payout's descriptor.
with lines as (
    select * from {{ ref('stg_bank_transactions') }}
    where booked_on is not null and amount is not null and amount <> 0
),

bank_days as (
    select date, currency, bank_day from {{ ref('int_bank_days') }}
),

descriptors as (
    select distinct {{ bare_text('statement_descriptor') }} as descriptor
    from {{ ref('stg_payouts') }}
    where length({{ bare_text('statement_descriptor') }}) > 3
),

texts as (
    select
        lines.*,
        bank_days.bank_day,
        {{ bare_text("concat_ws(' ', lines.reference, lines.description)") }} as bare_reference
    from lines
    inner join bank_days
        on lines.booked_on = bank_days.date and lines.currency = bank_days.currency
),

final as (
    select
        id,
        bank_account,
        currency,
        amount,
        booked_on,
        bank_day,
        bare_reference,
        bare_reference like '%{{ var("bank_counterparty", "STRIPE") }}%'
        or exists (
            select 1
            from descriptors
            where texts.bare_reference like '%' || descriptors.descriptor || '%'
        ) as names_stripe
    from texts
)

select * from final
