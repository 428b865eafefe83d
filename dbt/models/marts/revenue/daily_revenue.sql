-- Signed as the balance sees it: refunds, disputes and fees are negative. net_volume is the day's
-- activity: the change of the balance but for payouts.
with ledger as (
    select * from {{ ref('int_ledger') }}
    where balance_type = 'payments'
),

movements as (
    select
        occurred_on as date,
        currency,
        figure,
        sum(amount) as amount,
        sum(fee) as fee,
        sum(case when category = 'charge_failure' then amount else 0 end) as charge_failures,
        sum(case when category = 'partial_capture_reversal' then amount else 0 end)
            as partial_capture_reversals,
        sum(case when not is_known_category then amount else 0 end) as unknown,
        max(case when not is_known_category then category end) as unknown_category
    from ledger
    group by occurred_on, currency, figure, case when not is_known_category then category end
),

balance_side as (
    select
        date,
        currency,
        sum(case when figure = 'gross_volume' then amount else 0 end) as gross_volume,
        sum(case when figure = 'refunds' then amount else 0 end) as refunds,
        sum(case when figure = 'disputes' then amount else 0 end) as disputes,
        sum(case when figure = 'dispute_reversals' then amount else 0 end) as dispute_reversals,
        sum(case when figure = 'fees' then amount else 0 end) - sum(fee) as fees,
        sum(case when figure = 'other' then amount else 0 end) as other,
        sum(charge_failures) as charge_failures,
        sum(partial_capture_reversals) as partial_capture_reversals,
        sum(unknown) as unknown,
        {{ text_list('unknown_category') }} as unknown_categories,
        0 as payments_succeeded,
        0 as payments_failed
    from movements
    group by date, currency
),

attempts as (
    select
        created_on as date,
        settlement_currency as currency,
        sum(case when status = 'succeeded' then 1 else 0 end) as payments_succeeded,
        sum(case when status = 'failed' then 1 else 0 end) as payments_failed
    from {{ ref('int_charges') }}
    group by created_on, settlement_currency
),

together as (
    select * from balance_side
    union all
    select
        date,
        currency,
        0 as gross_volume,
        0 as refunds,
        0 as disputes,
        0 as dispute_reversals,
        0 as fees,
        0 as other,
        0 as charge_failures,
        0 as partial_capture_reversals,
        0 as unknown,
        null as unknown_categories,
        payments_succeeded,
        payments_failed
    from attempts
),

daily as (
    select
        date,
        currency,
        sum(gross_volume) as gross_volume,
        sum(refunds) as refunds,
        sum(disputes) as disputes,
        sum(dispute_reversals) as dispute_reversals,
        sum(fees) as fees,
        sum(other) as other,
        sum(charge_failures) as charge_failures,
        sum(partial_capture_reversals) as partial_capture_reversals,
        sum(unknown) as unknown,
        max(unknown_categories) as unknown_categories,
        sum(payments_succeeded) as payments_succeeded,
        sum(payments_failed) as payments_failed
    from together
    group by date, currency
),

final as (
    select
        date,
        currency,
        {{ to_major('gross_volume', 'currency') }} as gross_volume,
        {{ to_major('refunds', 'currency') }} as refunds,
        {{ to_major('disputes', 'currency') }} as disputes,
        {{ to_major('dispute_reversals', 'currency') }} as dispute_reversals,
        {{ to_major('fees', 'currency') }} as fees,
        {{ to_major('other', 'currency') }} as other,
        {{ to_major(
            'gross_volume + refunds + disputes + dispute_reversals + fees + other', 'currency'
        ) }} as net_volume,
        cast(payments_succeeded as bigint) as payments_succeeded,
        cast(payments_failed as bigint) as payments_failed,
        {{ rate('payments_succeeded', 'payments_succeeded + payments_failed', 0, 0) }}
            as payment_success_rate,
        {{ to_major('charge_failures', 'currency') }} as charge_failures,
        {{ to_major('partial_capture_reversals', 'currency') }} as partial_capture_reversals,
        {{ to_major('unknown', 'currency') }} as unknown_amount,
        unknown_categories
    from daily
)

select * from final
