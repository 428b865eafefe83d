-- Billed prorations against recomputed ones. One minor unit is rounding.
with prorations as (
    select * from {{ ref('int_prorations') }}
),

final as (
    select
        line_id,
        invoice_id,
        customer_id,
        subscription_id,
        price_id,
        quantity,
        {{ reporting_date('period_starts_at') }} as changed_on,
        {{ reporting_date('period_ends_at') }} as period_ends_on,
        currency,
        {{ to_major('amount', 'currency') }} as billed_amount,
        {{ to_major('expected_amount', 'currency') }} as expected_amount,
        {{ to_major('amount - expected_amount', 'currency') }} as difference,
        case
            when expected_amount is null then 'not_compared'
            when abs(amount - expected_amount) <= 1 then 'accurate'
            else 'differs'
        end as status,
        case
            when expected_amount is null then 'no bill of the period is known'
        end as reason
    from prorations
)

select * from final
