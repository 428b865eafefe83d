-- title: Largest lines of the last complete day
-- asset: finance/journal_entries
-- rows: select * from intermediate.int_ledger where occurred_on = $day order by abs(net) desc

with lines as (
    select
        ledger.occurred_on,
        ledger.ledger_id,
        ledger.source_id,
        ledger.figure,
        ledger.currency,
        cast(
            ledger.net
            * case currencies.exponent when 0 then 1.000 when 2 then 0.010 else 0.001 end
            as decimal(24, 3)
        ) as amount,
        row_number() over (order by abs(ledger.net) desc, ledger.ledger_id) as place
    from intermediate.int_ledger as ledger
    inner join intermediate.currencies as currencies on ledger.currency = currencies.currency
    where ledger.occurred_on = $day and not ledger.is_payout
)

select
    occurred_on, ledger_id, source_id, figure, currency, amount,
    concat('heirpay explain journal --entry ', ledger_id) as explain
from lines
where place <= 3
order by place
