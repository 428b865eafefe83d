-- Opening + activity + payouts = closing, and each day opens with what the one before closed with.
with days as (
    select
        *,
        lag(closing_balance) over (partition by currency order by date) as previous_closing
    from {{ ref('balance_reconciliation') }}
)

select date, currency from days
where
    opening_balance + activity + payouts <> closing_balance
    or opening_balance <> coalesce(previous_closing, 0)
