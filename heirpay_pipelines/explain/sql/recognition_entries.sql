-- What each entry that was billed by a month contributes to it, in minor units.
select
    documents.entry,
    documents.line_id,
    documents.document_id,
    documents.document_type,
    documents.kind,
    documents.amount,
    documents.booked_on,
    documents.served_from,
    documents.served_until,
    sum(schedule.billed) filter (where schedule.month = $month) as billed,
    sum(schedule.recognised) filter (where schedule.month = $month) as recognised,
    sum(schedule.billed - schedule.recognised) as deferred_end
from intermediate.int_revenue_documents as documents
inner join intermediate.int_revenue_schedule as schedule using (entry_id)
where documents.is_invoiced and documents.currency = $currency and schedule.month <= $month
group by all
order by documents.booked_on, documents.document_id, documents.line_id
