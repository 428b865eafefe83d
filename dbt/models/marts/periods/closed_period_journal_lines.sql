-- Journal lines of closed months that arrived after the close: what an adjustment of the journal is
-- made of, line by line, with the object behind each.
with journal as (
    select * from {{ ref('journal_entries') }}
),

late as (
    select * from {{ ref('int_late_movements') }}
),

final as (
    select
        late.month,
        journal.entry_id,
        journal.line_number,
        journal.date,
        journal.posted_on,
        late.known_at,
        late.closed_as_of,
        journal.account,
        journal.account_name,
        journal.debit,
        journal.credit,
        journal.currency,
        journal.source_object,
        journal.category
    from journal
    inner join late on journal.entry_id = late.ledger_id
)

select * from final
