-- Payments by flow and day. Currency is the one the customer paid in.
with charges as (
    select * from {{ ref('int_charges') }}
),

daily as (
    select
        created_on as date,
        currency,
        payment_flow,
        count(*) as attempts,
        sum(case when status = 'succeeded' then 1 else 0 end) as payments_succeeded,
        sum(case when status = 'failed' then 1 else 0 end) as payments_failed,
        sum(case when status = 'succeeded' then amount_captured else 0 end) as volume
    from charges
    group by created_on, currency, payment_flow
),

final as (
    select
        date,
        currency,
        payment_flow,
        attempts,
        cast(payments_succeeded as bigint) as payments_succeeded,
        cast(payments_failed as bigint) as payments_failed,
        {{ to_major('volume', 'currency') }} as volume
    from daily
)

select * from final
