select min(month) as first_month, max(month) as last_month from finance.mrr_monthly
