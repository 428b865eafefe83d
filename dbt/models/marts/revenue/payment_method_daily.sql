-- Attempts by what they were paid with. Currency is the one the customer paid in.
with charges as (
    select * from {{ ref('int_charges') }}
),

daily as (
    select
        created_on as date,
        currency,
        coalesce(payment_method_type, 'unknown') as payment_method_type,
        brand,
        wallet,
        country,
        count(*) as attempts,
        sum(case when status = 'succeeded' then 1 else 0 end) as succeeded,
        sum(case when status = 'failed' then 1 else 0 end) as failed,
        sum(case when status = 'succeeded' then amount_captured else 0 end) as volume
    from charges
    group by created_on, currency, coalesce(payment_method_type, 'unknown'), brand, wallet, country
),

final as (
    select
        date,
        currency,
        payment_method_type,
        brand,
        wallet,
        country,
        attempts,
        cast(succeeded as bigint) as succeeded,
        cast(failed as bigint) as failed,
        {{ to_major('volume', 'currency') }} as volume,
        {{ rate('succeeded', 'succeeded + failed', 0, 0) }} as success_rate
    from daily
)

select * from final
