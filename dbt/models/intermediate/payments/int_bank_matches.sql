-- Which bank line carries which payout. Best evidence first: the bank's line names the payout's
-- trace id or its Stripe id; then amount, currency and date, one payout to one line, nearest pair
-- first; then one line that holds several consecutive payouts. Dates are compared in bank days,
-- so that weekends and holidays do not count.
{%- set before, after, passes, longest_run = 1, var('bank_days_after', 3), 3, 5 %}
with bank_days as (
    select date, currency, bank_day from {{ ref('int_bank_days') }}
),

payouts as (
    select
        payouts.id,
        payouts.currency,
        payouts.amount,
        payouts.status in ('failed', 'canceled') as is_failed,
        bank_days.bank_day,
        {{ bare_text('payouts.trace_id') }} as trace,
        {{ bare_text('payouts.id') }} as bare_id
    from {{ ref('stg_stripe__payouts') }} as payouts
    inner join bank_days
        on payouts.arrival_date = bank_days.date and payouts.currency = bank_days.currency
),

lines as (
    select * from {{ ref('int_bank_lines') }}
),

named as (
    select
        payouts.id as payout_id,
        lines.id as bank_transaction_id,
        row_number() over (
            partition by payouts.id
            order by
                case when payouts.amount = lines.amount then 0 else 1 end,
                abs(lines.bank_day - payouts.bank_day),
                lines.id
        ) as place
    from payouts
    inner join lines
        on
            payouts.currency = lines.currency
            and lines.bank_day between payouts.bank_day - 5 and payouts.bank_day + 10
            and sign(payouts.amount) = sign(lines.amount)
            and (
                (length(payouts.trace) >= 6 and contains(lines.bare_reference, payouts.trace))
                or contains(lines.bare_reference, payouts.bare_id)
            )
),

matched_0 as (
    select payout_id, bank_transaction_id, 'reference' as matched_by
    from named
    where place = 1
),
{% for n in range(1, passes + 1) %}
candidates_{{ n }} as (
    select
        payouts.id as payout_id,
        lines.id as bank_transaction_id,
        row_number() over (
            partition by payouts.id
            order by
                case when lines.names_stripe then 0 else 1 end,
                abs(lines.bank_day - payouts.bank_day),
                lines.bank_day,
                lines.id
        ) as line_place,
        row_number() over (
            partition by lines.id
            order by
                abs(lines.bank_day - payouts.bank_day), payouts.bank_day, payouts.id
        ) as payout_place
    from payouts
    inner join lines
        on
            payouts.currency = lines.currency
            and payouts.amount = lines.amount
            and lines.bank_day
            between payouts.bank_day - {{ before }} and payouts.bank_day + {{ after }}
    where
        not payouts.is_failed
        and payouts.id not in (select payout_id from matched_{{ n - 1 }})
        and lines.id not in (select bank_transaction_id from matched_{{ n - 1 }})
),

matched_{{ n }} as (
    select payout_id, bank_transaction_id, matched_by from matched_{{ n - 1 }}
    union all
    select payout_id, bank_transaction_id, 'amount' as matched_by
    from candidates_{{ n }}
    where line_place = 1 and payout_place = 1
),
{% endfor %}
open_payouts as (
    select
        id,
        currency,
        amount,
        bank_day,
        row_number() over (partition by currency order by bank_day, id) as number,
        sum(amount) over (
            partition by currency order by bank_day, id
            rows between unbounded preceding and current row
        ) as running
    from payouts
    where not is_failed and id not in (select payout_id from matched_{{ passes }})
),

open_lines as (
    select id, currency, amount, bank_day, names_stripe from lines
    where id not in (select bank_transaction_id from matched_{{ passes }})
),

runs as (
    select
        open_lines.id as bank_transaction_id,
        firsts.currency,
        firsts.number as first_number,
        lasts.number as last_number,
        row_number() over (
            partition by open_lines.id
            order by
                lasts.number - firsts.number, abs(open_lines.bank_day - lasts.bank_day), lasts.id
        ) as place
    from open_payouts as firsts
    inner join open_payouts as lasts
        on
            firsts.currency = lasts.currency
            and lasts.number between firsts.number + 1 and firsts.number + {{ longest_run - 1 }}
    inner join open_lines
        on
            firsts.currency = open_lines.currency
            and lasts.running - firsts.running + firsts.amount = open_lines.amount
            and open_lines.bank_day
            between lasts.bank_day - {{ before }}
            -- A bank may collect a week of payouts; the date counts from the last of them.
            and least(firsts.bank_day + 7, lasts.bank_day + {{ after }})
),

grouped as (
    select
        open_payouts.id as payout_id,
        runs.bank_transaction_id,
        row_number() over (partition by open_payouts.id order by runs.bank_transaction_id) as claim
    from runs
    inner join open_payouts
        on
            runs.currency = open_payouts.currency
            and open_payouts.number between runs.first_number and runs.last_number
    where runs.place = 1
),

contested as (
    select distinct bank_transaction_id from grouped where claim > 1
),

matched as (
    select payout_id, bank_transaction_id, matched_by from matched_{{ passes }}
    union all
    select payout_id, bank_transaction_id, 'group' as matched_by
    from grouped
    where bank_transaction_id not in (select bank_transaction_id from contested)
),

amounts as (
    select
        matched.payout_id,
        matched.bank_transaction_id,
        matched.matched_by,
        lines.bank_account,
        lines.booked_on,
        payouts.amount,
        lines.amount - sum(payouts.amount) over (partition by lines.id) as line_residual,
        row_number() over (partition by lines.id order by payouts.id desc) as place
    from matched
    inner join payouts on matched.payout_id = payouts.id
    inner join lines on matched.bank_transaction_id = lines.id
),

final as (
    select
        payout_id,
        bank_transaction_id,
        matched_by,
        bank_account,
        booked_on,
        -- What a line has over or under the payouts that it holds shows on the last of them.
        amount + case when place = 1 then line_residual else 0 end as bank_amount
    from amounts
)

select * from final
