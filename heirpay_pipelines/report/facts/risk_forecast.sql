-- title: When a monitoring programme would be crossed at the present pace
-- asset: finance/risk_forecast
-- rows: select * from finance.risk_forecast order by crosses_on nulls last

select
    programme, network, cases, cases_threshold, ratio, ratio_threshold, cases_in_28_days,
    crosses_on, days_left
from finance.risk_forecast
order by crosses_on nulls last, programme, region
