-- Each movement of the balance in ours and in Stripe's activity report, where they differ: one row
-- for each figure that does. Major units, ours less Stripe's.
with runs as (
    select * from {{ ref('stg_stripe__report_runs') }}
    where report_type = 'balance_change_from_activity.itemized.3'
),

ours as (
    select
        ledger.ledger_id,
        ledger.occurred_on,
        ledger.currency,
        ledger.category,
        {{ to_major('ledger.amount', 'ledger.currency') }} as gross,
        {{ to_major('ledger.fee', 'ledger.currency') }} as fee,
        {{ to_major('ledger.net', 'ledger.currency') }} as net
    from {{ ref('int_ledger') }} as ledger
    inner join runs
        on
            ledger.occurred_at >= runs.interval_starts_at
            and ledger.occurred_at < runs.holds_until
    where not ledger.is_payout and ledger.balance_type = 'payments'
),

-- Stripe may split a movement over several lines.
theirs as (
    select
        balance_transaction_id,
        currency,
        min(created_at) as created_at,
        case when min(reporting_category) = max(reporting_category) then min(reporting_category) end
            as category,
        sum(gross) as gross,
        sum(fee) as fee,
        sum(net) as net
    from {{ ref('stg_stripe__report_rows') }}
    where report_type = 'balance_change_from_activity.itemized.3'
    group by balance_transaction_id, currency
),

compared as (
    select
        coalesce(ours.ledger_id, theirs.balance_transaction_id) as object_id,
        coalesce(ours.currency, theirs.currency) as currency,
        coalesce(ours.net, 0) - coalesce(theirs.net, 0) as net_difference,
        coalesce(ours.gross, 0) - coalesce(theirs.gross, 0) as gross_difference,
        coalesce(ours.occurred_on, {{ reporting_date('theirs.created_at') }}) as seen_on,
        case
            when theirs.balance_transaction_id is null then 'Not in Stripe''s activity report'
            when ours.ledger_id is null then 'Only in Stripe''s activity report'
            else
                concat_ws(
                    '; ',
                    case
                        when ours.gross <> theirs.gross
                            then concat('gross ', ours.gross, ', Stripe''s report ', theirs.gross)
                    end,
                    case
                        when ours.fee <> theirs.fee
                            then concat('fee ', ours.fee, ', Stripe''s report ', theirs.fee)
                    end,
                    case
                        when ours.net <> theirs.net
                            then concat('net ', ours.net, ', Stripe''s report ', theirs.net)
                    end,
                    case
                        when ours.category <> theirs.category
                            then concat(
                                'category ', ours.category, ', Stripe''s report ', theirs.category
                            )
                    end
                )
        end as detail
    from ours
    full outer join theirs
        on ours.ledger_id = theirs.balance_transaction_id and ours.currency = theirs.currency
),

final as (
    select
        object_id,
        cast(null as varchar) as related_object_id,
        currency,
        case when net_difference <> 0 then net_difference else gross_difference end as amount,
        seen_on,
        detail
    from compared
    where detail <> ''
)

select * from final
