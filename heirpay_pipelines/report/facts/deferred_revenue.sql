-- title: Revenue billed, recognised and deferred, of the month
-- asset: finance/revenue_recognition
-- rows: select * from finance.revenue_recognition order by month desc, currency

select
    currency, deferred_start, billed, recognised, deferred_end,
    concat(
        'heirpay explain recognition --month ', strftime(month, '%Y-%m'), ' --currency ', currency
    ) as explain
from finance.revenue_recognition
where month = $month
order by currency
