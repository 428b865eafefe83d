-- An invoice's, credit note's or refund's entries, and those that take back its lines; by month.
with lines as (
    select line_id from intermediate.int_revenue_documents where document_id = $document
)

select
    documents.entry_id,
    documents.entry,
    documents.line_id,
    documents.document_id,
    documents.document_type,
    documents.kind,
    documents.currency,
    documents.amount,
    documents.booked_on,
    documents.served_from,
    documents.served_until,
    schedule.month,
    schedule.recognised
from intermediate.int_revenue_documents as documents
inner join intermediate.int_revenue_schedule as schedule using (entry_id)
where documents.document_id = $document or documents.line_id in (from lines)
order by documents.booked_on, documents.document_id, documents.line_id, documents.entry_id,
    schedule.month
