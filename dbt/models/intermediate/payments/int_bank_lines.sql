-- Bank lines as matching needs them: in bank days, with their references bare, and whether they
-- name Stripe (`bank_counterparty` in the project's vars) or carry a payout's descriptor. What the
-- bank reported before its statement counts until a statement of its day arrives.
with final_statements as (
    select bank_account, currency, first_on, last_on
    from {{ ref('stg_bank__statements') }}
    where is_final
),

lines as (
    select *
    from {{ ref('stg_bank__transactions') }} as booked
    where
        booked_on is not null
        and amount is not null
        and amount <> 0
        and (
            is_final
            or not exists (
                select 1
                from final_statements
                where
                    booked.bank_account = final_statements.bank_account
                    and booked.currency = final_statements.currency
                    and booked.booked_on
                    between final_statements.first_on and final_statements.last_on
            )
        )
),

bank_days as (
    select date, currency, bank_day from {{ ref('int_bank_days') }}
),

descriptors as (
    select distinct {{ bare_text('statement_descriptor') }} as descriptor
    from {{ ref('stg_stripe__payouts') }}
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
