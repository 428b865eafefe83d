-- Payouts with what explains them. An automatic payout is explained by the net of what it
-- contains; a manual or instant one by its own movement of the balance, fee apart. Where the bank
-- account has another currency than the balance, what explains a payout is converted as its own
-- movement was.
with payouts as (
    select * from {{ ref('stg_stripe__payouts') }}
),

contents as (
    select
        payout_id,
        sum(case when is_known then 1 else 0 end) as known_count,
        count(*) as transaction_count,
        sum(case when is_known then 0 else 1 end) as unknown_count,
        sum(net) as net
    from {{ ref('int_payout_contents') }}
    group by payout_id
),

movements as (
    select
        source_id,
        max(currency) as currency,
        sum(amount) as amount,
        count(*) as movement_count
    from {{ ref('int_ledger') }}
    where category = 'payout'
    group by source_id
),

returns as (
    select source_id, sum(net) as net, min(occurred_on) as returned_on
    from {{ ref('int_ledger') }}
    where category = 'payout_reversal'
    group by source_id
),

found as (
    select
        payouts.*,
        {{ reporting_date('payouts.created_at') }} as created_on,
        case when payouts.is_automatic then 'composition' else 'balance' end as basis,
        case
            when payouts.is_automatic then coalesce(contents.net, 0)
            else -coalesce(movements.amount, 0)
        end as explained_in_balance,
        case
            when payouts.is_automatic then coalesce(contents.transaction_count, 0)
            else coalesce(movements.movement_count, 0)
        end as transaction_count,
        coalesce(contents.unknown_count, 0) as unknown_count,
        contents.payout_id is not null as has_composition,
        movements.source_id is not null as has_movement,
        coalesce(-movements.amount, 0) as moved_amount,
        coalesce(movements.currency <> payouts.currency, false)
        and movements.amount <> 0 as is_converted,
        returns.returned_on,
        coalesce(returns.net, 0) as returned_in_balance
    from payouts
    left join contents on payouts.id = contents.payout_id
    left join movements on payouts.id = movements.source_id
    left join returns on payouts.id = returns.source_id
),

explained as (
    select
        *
        {%- for name, its in [
            ('transactions_amount', 'explained_in_balance'),
            ('returned_amount', 'returned_in_balance')
        ] %}
        {%- set amounts = 'cast(' ~ its ~ ' as hugeint) * amount' %},
        case
            when is_converted then cast({{ divide(amounts, 'moved_amount', 0, 0, 0) }} as bigint)
            else {{ its }}
        end as {{ name }}
        {%- endfor %}
    from found
),

final as (
    select
        *,
        amount - transactions_amount as difference,
        -- Stripe lists what a payout contains only when it is done with it.
        not is_automatic or reconciliation_status = 'completed' as is_settled,
        case
            when amount = transactions_amount then null
            when is_automatic and reconciliation_status <> 'completed' then 'composition pending'
            when is_automatic and not has_composition then 'composition not pulled'
            when unknown_count > 0 then 'contains transactions that were not pulled'
            when not is_automatic and not has_movement then 'no movement of the balance'
            else 'not explained by its transactions'
        end as residual
    from explained
)

select * from final
