-- Our figures against Stripe's own reports, line by line; each residual says which side lacks it.
-- Major units, ours less Stripe's.
with runs as (
    select * from {{ ref('stg_report_runs') }}
),

rows as (
    select * from {{ ref('stg_report_rows') }}
),

ledger as (
    select * from {{ ref('int_ledger') }}
    where balance_type = 'payments'
),

activity_run as (
    select * from runs where report_type = 'balance_change_from_activity.itemized.3'
),

ours as (
    select
        ledger.ledger_id,
        ledger.occurred_on,
        ledger.currency,
        {{ to_major('ledger.net', 'ledger.currency') }} as net
    from ledger
    inner join activity_run
        on
            ledger.occurred_at >= activity_run.interval_starts_at
            and ledger.occurred_at < activity_run.interval_ends_at
    where not ledger.is_payout
),

theirs as (
    select balance_transaction_id, currency, sum(net) as net
    from rows
    where report_type = 'balance_change_from_activity.itemized.3'
    group by balance_transaction_id, currency
),

activity as (
    select
        coalesce(ours.ledger_id, theirs.balance_transaction_id) as object_id,
        coalesce(ours.currency, theirs.currency) as currency,
        coalesce(ours.net, 0) - coalesce(theirs.net, 0) as amount,
        ours.occurred_on as seen_on,
        case
            when theirs.balance_transaction_id is null then 'Not in Stripe''s activity report'
            when ours.ledger_id is null then 'Only in Stripe''s activity report'
            else 'Stripe''s activity report has another amount'
        end as detail
    from ours
    full outer join theirs
        on ours.ledger_id = theirs.balance_transaction_id and ours.currency = theirs.currency
    where ours.net is distinct from theirs.net
),

payout_run as (
    select * from runs where report_type = 'payout_reconciliation.itemized.5'
),

-- Reports count an automatic payout on the day that it is expected at the bank.
our_payouts as (
    select
        payouts.id,
        payouts.currency,
        payouts.created_on,
        {{ to_major('payouts.transactions_amount', 'payouts.currency') }} as net
    from {{ ref('int_payouts') }} as payouts
    inner join payout_run
        on
            cast(payouts.arrival_date as timestamp) >= payout_run.interval_starts_at
            and cast(payouts.arrival_date as timestamp) < payout_run.interval_ends_at
    where payouts.is_automatic and payouts.is_settled and payouts.has_composition
),

their_payouts as (
    select payout_id, currency, sum(net) as net
    from rows
    where
        report_type = 'payout_reconciliation.itemized.5'
        and payout_id is not null
        -- A payout that failed is a line of its own there; what it contained is not.
        and reporting_category <> 'payout'
    group by payout_id, currency
),

payouts as (
    select
        coalesce(our_payouts.id, their_payouts.payout_id) as object_id,
        coalesce(our_payouts.currency, their_payouts.currency) as currency,
        coalesce(our_payouts.net, 0) - coalesce(their_payouts.net, 0) as amount,
        our_payouts.created_on as seen_on,
        case
            when their_payouts.payout_id is null then 'Not in Stripe''s payout reconciliation'
            when our_payouts.id is null then 'Only in Stripe''s payout reconciliation'
            else 'Stripe''s payout reconciliation adds up otherwise'
        end as detail
    from our_payouts
    full outer join their_payouts on our_payouts.id = their_payouts.payout_id
    where our_payouts.net is distinct from their_payouts.net
),

summary_run as (
    select * from runs where report_type = 'balance.summary.1'
),

effective as (
    select
        ledger.currency,
        ledger.net,
        case
            when payouts.is_automatic then cast(payouts.arrival_date as timestamp)
            else ledger.occurred_at
        end as effective_at
    from ledger
    left join {{ ref('int_payouts') }} as payouts
        on ledger.source_id = payouts.id and ledger.category = 'payout'
),

our_balances as (
    select
        effective.currency,
        sum(
            case
                when effective.effective_at < summary_run.interval_starts_at then effective.net
                else 0
            end
        ) as starting_balance,
        sum(
            case
                when effective.effective_at < summary_run.interval_ends_at then effective.net
                else 0
            end
        ) as ending_balance
    from effective
    cross join summary_run
    group by effective.currency
),

our_summary as (
    select
        currency,
        'starting_balance' as summary_line,
        {{ to_major('starting_balance', 'currency') }} as net
    from our_balances
    union all
    select
        currency,
        'ending_balance' as summary_line,
        {{ to_major('ending_balance', 'currency') }} as net
    from our_balances
),

summary as (
    select
        concat('balance.summary:', our_summary.currency, ':', our_summary.summary_line)
            as object_id,
        our_summary.currency,
        our_summary.net - coalesce(their_summary.net, 0) as amount,
        {{ as_of_date() }} as seen_on,
        concat(
            'Stripe''s balance summary has another ', replace(our_summary.summary_line, '_', ' ')
        )
            as detail
    from our_summary
    left join rows as their_summary
        on
            our_summary.currency = their_summary.currency
            and our_summary.summary_line = their_summary.summary_line
            and their_summary.report_type = 'balance.summary.1'
    where our_summary.net <> coalesce(their_summary.net, 0)
),

every_difference as (
    select * from activity
    union all
    select * from payouts
    union all
    select * from summary
),

final as (
    select
        'stripe_report_mismatch' as kind,
        object_id,
        cast(null as varchar) as related_object_id,
        currency,
        amount,
        coalesce(seen_on, {{ as_of_date() }}) as seen_on,
        detail
    from every_difference
)

select * from final
