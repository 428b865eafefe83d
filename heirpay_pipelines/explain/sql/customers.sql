-- Customers with an entry in the ledger of MRR up to the day that the month's figure is of: their
-- newest entry up to it. One customer, or all ($customer is null).
select
    ledger.customer_id,
    ledger.currency,
    months.as_of_date,
    max(ledger.date) as changed_on,
    arg_max(ledger.mrr_list, ledger.date) as mrr_list,
    arg_max(ledger.mrr, ledger.date) as mrr,
    arg_max(ledger.mrr_net_all, ledger.date) as mrr_net_all,
    arg_max(ledger.mrr_estimated, ledger.date) as mrr_estimated
from intermediate.int_mrr_months as months
inner join intermediate.int_customer_mrr_daily as ledger
    on months.currency = ledger.currency and ledger.date <= months.as_of_date
where months.month = $month and ($customer is null or ledger.customer_id = $customer)
group by all
order by ledger.currency, mrr desc, ledger.customer_id
