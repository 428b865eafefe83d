-- Double entry: each movement of the Stripe balance is an entry of two or three lines that add up
-- to nothing: the balance by its net, the fee by itself, the counterpart by the gross amount.
with ledger as (
    select * from {{ ref('int_ledger') }}
    where balance_type = 'payments'
),

accounts as (
    select * from {{ ref('account_mapping') }}
),

counterparts as (
    select
        categories.category,
        coalesce(by_category.account, by_figure.account, by_other.account) as account,
        coalesce(by_category.account_name, by_figure.account_name, by_other.account_name)
            as account_name
    from (select distinct category, figure, is_payout from ledger) as categories
    left join accounts as by_category on categories.category = by_category.entry
    left join accounts as by_figure
        on
            case when categories.is_payout then 'cash_in_transit' else categories.figure end
            = by_figure.entry
    left join accounts as by_other on by_other.entry = 'other'
),

balance_account as (
    select account, account_name from accounts where entry = 'balance'
),

fee_account as (
    select account, account_name from accounts where entry = 'fees'
),

lines as (
    select
        ledger.ledger_id as entry_id,
        1 as line_number,
        ledger.occurred_on,
        balance_account.account,
        balance_account.account_name,
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
        ledger.fee as amount,
        ledger.currency,
        ledger.category,
        ledger.source_id
    from ledger
    cross join fee_account
    where ledger.fee <> 0
),

final as (
    select
        entry_id,
        line_number,
        occurred_on as date,
        account,
        account_name,
        {{ to_major('case when amount > 0 then amount else 0 end', 'currency') }} as debit,
        {{ to_major('case when amount < 0 then -amount else 0 end', 'currency') }} as credit,
        currency,
        source_id as source_object,
        category
    from lines
)

select * from final
