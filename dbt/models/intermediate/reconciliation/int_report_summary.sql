-- The four lines of Stripe's balance summary, by currency, against ours, where they differ. Major
-- units, ours less Stripe's.
with run as (
    select * from {{ ref('stg_stripe__report_runs') }}
    where report_type = 'balance.summary.1' and is_newest
),

-- Reports count an automatic payout on the day that it is expected at the bank.
effective as (
    select
        ledger.currency,
        ledger.net,
        ledger.is_payout,
        case
            when payouts.is_automatic then cast(payouts.arrival_date as timestamp)
            else ledger.occurred_at
        end as effective_at
    from {{ ref('int_ledger') }} as ledger
    left join {{ ref('int_payouts') }} as payouts
        on ledger.source_id = payouts.id and ledger.category = 'payout'
    where ledger.balance_type = 'payments'
),

sums as (
    select
        effective.currency,
        sum(case when effective_at < run.interval_starts_at then net else 0 end)
            as starting_balance,
        sum(
            case when effective_at >= run.interval_starts_at and not is_payout then net else 0 end
        ) as activity,
        sum(
            case when effective_at >= run.interval_starts_at and is_payout then net else 0 end
        ) as payouts,
        sum(net) as ending_balance
    from effective
    cross join run
    where effective.effective_at < run.interval_ends_at
    group by effective.currency
),

ours as (
    {%- for line in ['starting_balance', 'activity', 'payouts', 'ending_balance'] %}
    {{ 'union all' if not loop.first }}
    select
        currency, '{{ line }}' as summary_line, {{ to_major(line, 'currency') }} as net
    from sums
    {%- endfor %}
),

theirs as (
    select rows.currency, rows.summary_line, sum(rows.net) as net
    from {{ ref('stg_stripe__report_rows') }} as rows
    inner join run on rows.run_id = run.id
    where rows.summary_line in ('starting_balance', 'activity', 'payouts', 'ending_balance')
    group by rows.currency, rows.summary_line
),

compared as (
    select
        coalesce(ours.currency, theirs.currency) as currency,
        coalesce(ours.summary_line, theirs.summary_line) as summary_line,
        coalesce(ours.net, 0) as our_net,
        coalesce(theirs.net, 0) as their_net
    from ours
    full outer join theirs
        on ours.currency = theirs.currency and ours.summary_line = theirs.summary_line
    where exists (select 1 from run)
),

final as (
    select
        concat('balance.summary:', currency, ':', summary_line) as object_id,
        cast(null as varchar) as related_object_id,
        currency,
        our_net - their_net as amount,
        {{ as_of_date() }} as seen_on,
        concat(
            replace(summary_line, '_', ' '), ' ', our_net, ', Stripe''s balance summary ', their_net
        ) as detail
    from compared
    where our_net <> their_net
)

select * from final
