-- title: Card networks' monitoring programmes
-- asset: finance/risk_programmes
-- rows: select * from finance.risk_programmes order by month desc, programme

select
    programme, network, region, cases, payments, ratio, ratio_threshold, cases_threshold,
    is_exceeded, forecast_cases, is_forecast_exceeded
from finance.risk_programmes
where month = (select max(month) from finance.risk_programmes where month <= $as_of_date)
order by is_exceeded desc, is_forecast_exceeded desc, ratio desc nulls last, programme, region
