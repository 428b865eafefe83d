-- What each automatic payout contains, line by line, in ours and in Stripe's payout reconciliation,
-- where they differ. A payout that one side lacks is one row. Major units, ours less Stripe's.
with runs as (
    select * from {{ ref('stg_stripe__report_runs') }}
    where report_type = 'payout_reconciliation.itemized.5'
),

known as (
    select * from {{ ref('int_payouts') }}
    where is_automatic
),

-- Reports count an automatic payout on the day that it is expected at the bank.
our_payouts as (
    select known.id, known.created_on
    from known
    inner join runs
        on
            cast(known.arrival_date as timestamp) >= runs.interval_starts_at
            and cast(known.arrival_date as timestamp) < runs.holds_until
    where known.is_settled and known.has_composition
),

our_lines as (
    select
        contents.payout_id,
        contents.balance_transaction_id,
        contents.currency,
        our_payouts.created_on,
        {{ to_major('contents.net', 'contents.currency') }} as net
    from {{ ref('int_payout_contents') }} as contents
    inner join our_payouts on contents.payout_id = our_payouts.id
),

-- Of a payout whose contents are not there yet, its own reconciliation speaks.
their_lines as (
    select
        payout_id,
        balance_transaction_id,
        currency,
        min(coalesce(effective_at, created_at)) as effective_at,
        sum(net) as net
    from {{ ref('stg_stripe__report_rows') }}
    where
        report_type = 'payout_reconciliation.itemized.5'
        and payout_id is not null
        -- A payout that failed is a line of its own there; what it contained is not.
        and reporting_category <> 'payout'
        and payout_id not in (select id from known where not is_settled or not has_composition)
    group by payout_id, balance_transaction_id, currency
),

their_payouts as (
    select distinct payout_id from their_lines
),

lines as (
    select
        coalesce(our_lines.payout_id, their_lines.payout_id) as payout_id,
        coalesce(our_lines.balance_transaction_id, their_lines.balance_transaction_id)
            as balance_transaction_id,
        coalesce(our_lines.currency, their_lines.currency) as currency,
        coalesce(our_lines.created_on, {{ reporting_date('their_lines.effective_at') }}) as seen_on,
        our_lines.net as our_net,
        their_lines.net as their_net
    from our_lines
    full outer join their_lines
        on
            our_lines.payout_id = their_lines.payout_id
            and our_lines.balance_transaction_id = their_lines.balance_transaction_id
    where our_lines.net is distinct from their_lines.net
),

sided as (
    select
        lines.*,
        our_payouts.id is not null as is_ours,
        their_payouts.payout_id is not null as is_theirs
    from lines
    left join our_payouts on lines.payout_id = our_payouts.id
    left join their_payouts on lines.payout_id = their_payouts.payout_id
),

final as (
    select
        balance_transaction_id as object_id,
        payout_id as related_object_id,
        currency,
        coalesce(our_net, 0) - coalesce(their_net, 0) as amount,
        seen_on,
        case
            when their_net is null
                then concat('Stripe''s payout reconciliation does not have it in ', payout_id)
            when our_net is null
                then concat('Only Stripe''s payout reconciliation has it in ', payout_id)
            else concat(
                'net ', our_net, ' in ', payout_id, ', Stripe''s payout reconciliation ', their_net
            )
        end as detail
    from sided
    where is_ours and is_theirs
    union all
    select
        payout_id as object_id,
        cast(null as varchar) as related_object_id,
        currency,
        sum(coalesce(our_net, 0)) - sum(coalesce(their_net, 0)) as amount,
        min(seen_on) as seen_on,
        case
            when is_ours then 'Not in Stripe''s payout reconciliation'
            else 'Only in Stripe''s payout reconciliation'
        end as detail
    from sided
    where not (is_ours and is_theirs)
    group by payout_id, currency, is_ours
)

select * from final
