-- Double entry: each movement of the Stripe balance is an entry of two or three lines that add up
-- to nothing: the balance by its net, the fee by itself, the counterpart by the gross amount.
-- A movement of a closed month that came later is posted on the day on which it became known.
with ledger as (
    select * from {{ ref('int_ledger') }}
    where balance_type = 'payments'
),

accounts as (
    select * from {{ ref('int_accounts') }}
),

counterparts as (
    select
        categories.category,
        coalesce(by_category.account, by_figure.account, by_other.account) as account,
        coalesce(by_category.account_name, by_figure.account_name, by_other.account_name)
            as account_name,
        coalesce(by_category.account_type, by_figure.account_type, by_other.account_type)
            as account_type
    from (select distinct category, figure, is_payout from ledger) as categories
    left join accounts as by_category on categories.category = by_category.entry
    left join accounts as by_figure
        on
            case when categories.is_payout then 'cash_in_transit' else categories.figure end
            = by_figure.entry
    left join accounts as by_other on by_other.entry = 'other'
),

balance_account as (
    select account, account_name, account_type from accounts where entry = 'balance'
),

fee_account as (
    select account, account_name, account_type from accounts where entry = 'fees'
),

lines as (
    select
        ledger.ledger_id as entry_id,
        1 as line_number,
        ledger.occurred_on,
        balance_account.account,
        balance_account.account_name,
        balance_account.account_type,
        ledger.net as amount,
        ledger.currency,
        ledger.category,
        ledger.source_id
    from ledger
    cross join balance_account
    union all
    select
        ledger.ledger_id as entry_id,
        2 as line_number,
        ledger.occurred_on,
        counterparts.account,
        counterparts.account_name,
        counterparts.account_type,
        -ledger.amount as amount,
        ledger.currency,
        ledger.category,
        ledger.source_id
    from ledger
    inner join counterparts on ledger.category = counterparts.category
    union all
    select
        ledger.ledger_id as entry_id,
        3 as line_number,
        ledger.occurred_on,
        fee_account.account,
        fee_account.account_name,
        fee_account.account_type,
        ledger.fee as amount,
        ledger.currency,
        ledger.category,
        ledger.source_id
    from ledger
    cross join fee_account
    where ledger.fee <> 0
),

late as (
    select ledger_id, posted_on from {{ ref('int_late_movements') }}
),

final as (
    select
        lines.entry_id,
        lines.line_number,
        lines.occurred_on as date,
        coalesce(late.posted_on, lines.occurred_on) as posted_on,
        lines.account,
        lines.account_name,
        lines.account_type,
        {{ to_major('case when lines.amount > 0 then lines.amount else 0 end', 'lines.currency') }}
            as debit,
        {{ to_major('case when lines.amount < 0 then -lines.amount else 0 end', 'lines.currency') }}
            as credit,
        lines.currency,
        lines.source_id as source_object,
        lines.category
    from lines
    left join late on lines.entry_id = late.ledger_id
)

select * from final
