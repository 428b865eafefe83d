-- A payout is reconciled when its transactions explain it and, where a bank statement covers its
-- date, the bank booked it. Of a payout that no statement covers the bank has said nothing.
with payouts as (
    select * from {{ ref('int_payouts') }}
),

matches as (
    select * from {{ ref('int_bank_matches') }}
),

bank_days as (
    select date, currency, bank_day from {{ ref('int_bank_days') }}
),

coverage as (
    select * from {{ ref('int_bank_coverage') }}
),

placed as (
    select
        payouts.*,
        matches.bank_transaction_id,
        matches.matched_by,
        matches.booked_on,
        matches.bank_amount,
        today.bank_day - arrivals.bank_day as days_since_arrival,
        coverage_ends.bank_day - arrivals.bank_day as days_covered,
        coverage.currency is not null as has_statement
    from payouts
    left join matches on payouts.id = matches.payout_id
    left join coverage
        on
            payouts.currency = coverage.currency
            and payouts.arrival_date >= coverage.first_on
            and payouts.arrival_date <= coverage.last_on
    left join bank_days as arrivals
        on payouts.arrival_date = arrivals.date and payouts.currency = arrivals.currency
    left join bank_days as today
        on today.date = {{ as_of_date() }} and payouts.currency = today.currency
    left join bank_days as coverage_ends
        on coverage.last_on = coverage_ends.date and payouts.currency = coverage_ends.currency
),

judged as (
    select
        *,
        case
            when bank_transaction_id is not null and bank_amount = amount then 'matched'
            when bank_transaction_id is not null then 'amount_differs'
            when status in ('failed', 'canceled') then 'none'
            when arrival_date > {{ as_of_date() }} then 'not_due'
            when not has_statement then 'no_statement'
            when days_since_arrival <= {{ var('bank_days_after', 3) }} then 'not_due'
            when days_covered <= {{ var('bank_days_after', 3) }} and days_since_arrival <= 10
                then 'not_due'
            else 'missing'
        end as bank_status
    from placed
),

final as (
    select
        id as payout_id,
        created_at,
        arrival_date,
        currency,
        {{ to_major('amount', 'currency') }} as payout_amount,
        {{ to_major('transactions_amount', 'currency') }} as transactions_amount,
        {{ to_major('difference', 'currency') }} as difference,
        cast(transaction_count as bigint) as transaction_count,
        {{ to_major('bank_amount', 'currency') }} as bank_amount,
        case
            when status in ('failed', 'canceled') then 'failed'
            when status in ('pending', 'in_transit') or not is_settled then 'in_transit'
            when bank_status in ('amount_differs', 'missing') or difference <> 0 then 'unreconciled'
            when bank_status = 'not_due' then 'in_transit'
            else 'reconciled'
        end as status,
        bank_status,
        basis,
        residual,
        is_automatic,
        method,
        status as stripe_status,
        failure_code,
        trace_id,
        bank_transaction_id,
        matched_by,
        booked_on,
        returned_on,
        {{ to_major('returned_amount', 'currency') }} as returned_amount
    from judged
)

select * from final
