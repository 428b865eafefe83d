-- Breaks between Stripe's balance, its payouts and the bank. Amounts are major units here: they
-- come from the published reconciliations.
with payouts as (
    select * from {{ ref('payout_reconciliation') }}
),

payout_mismatches as (
    select
        'payout_mismatch' as kind,
        payout_id as object_id,
        bank_transaction_id as related_object_id,
        currency,
        case when difference <> 0 then difference else bank_amount - payout_amount end as amount,
        {{ reporting_date('created_at') }} as seen_on,
        case
            when difference <> 0 then concat('The payout is ', residual)
            else 'The bank booked another amount than was paid out'
        end as detail
    from payouts
    where
        status = 'unreconciled' and (difference <> 0 or bank_status = 'amount_differs')
),

missing_in_bank as (
    select
        'payout_missing_in_bank' as kind,
        payout_id as object_id,
        trace_id as related_object_id,
        currency,
        payout_amount as amount,
        arrival_date as seen_on,
        'The payout is due and on no bank statement' as detail
    from payouts
    where bank_status = 'missing'
),

failed as (
    select
        'payout_failed' as kind,
        payout_id as object_id,
        failure_code as related_object_id,
        currency,
        payout_amount as amount,
        coalesce(returned_on, arrival_date) as seen_on,
        concat(
            'The payout ', stripe_status, case
                when returned_amount = 0 then ' and its amount is not back in the balance'
                else '; its amount is back in the balance'
            end, coalesce(concat(' (', failure_code, ')'), '')
        ) as detail
    from payouts
    where stripe_status = 'failed'
),

lines as (
    select * from {{ ref('int_bank_lines') }}
),

matches as (
    select distinct bank_transaction_id from {{ ref('int_bank_matches') }}
),

-- A returned payout is credited and debited again: no payout's, and nobody's loss.
reversed_lines as (
    select distinct credits.id
    from lines as credits
    inner join lines as debits
        on
            credits.bank_account = debits.bank_account
            and credits.currency = debits.currency
            and credits.amount = -debits.amount
            and debits.bank_day between credits.bank_day and credits.bank_day + 10
    where credits.amount > 0 and debits.names_stripe
),

unexplained_credits as (
    select
        'bank_credit_without_payout' as kind,
        lines.id as object_id,
        lines.bank_account as related_object_id,
        lines.currency,
        {{ to_major('lines.amount', 'lines.currency') }} as amount,
        lines.booked_on as seen_on,
        'The bank credited money that names Stripe and that no payout explains' as detail
    from lines
    left join matches on lines.id = matches.bank_transaction_id
    left join reversed_lines on lines.id = reversed_lines.id
    where
        lines.amount > 0
        and lines.names_stripe
        and matches.bank_transaction_id is null
        and reversed_lines.id is null
        -- A credit of the last days may be of a payout that is not pulled yet.
        and lines.booked_on < {{ as_of_date() }}
),

days as (
    select * from {{ ref('balance_reconciliation') }}
    where difference is not null
),

newest as (
    select currency, max(date) as date from days group by currency
),

last_right as (
    select currency, max(date) as date from days where difference = 0 group by currency
),

wrong_since as (
    select days.currency, min(days.date) as date
    from days
    left join last_right on days.currency = last_right.currency
    where days.difference <> 0 and (last_right.date is null or days.date > last_right.date)
    group by days.currency
),

balance_mismatches as (
    select
        'balance_mismatch' as kind,
        concat('balance:', days.currency) as object_id,
        cast(null as varchar) as related_object_id,
        days.currency,
        days.difference as amount,
        wrong_since.date as seen_on,
        'The movements do not add up to the balance that Stripe states' as detail
    from days
    inner join newest on days.currency = newest.currency and days.date = newest.date
    inner join wrong_since on days.currency = wrong_since.currency
    where days.difference <> 0
),

final as (
    select * from payout_mismatches
    union all
    select * from missing_in_bank
    union all
    select * from failed
    union all
    select * from unexplained_credits
    union all
    select * from balance_mismatches
)

select * from final
