-- title: Failure rates out of the ordinary, last 30 days
-- asset: finance/failure_rate_anomalies
-- rows: select * from finance.failure_rate_anomalies order by date desc, chi_square desc

select
    dimension, value, max(date) as date, max(failures) as failures, max(attempts) as attempts,
    max_by(failure_rate, date) as failure_rate, max_by(usual_rate, date) as usual_rate,
    max(chi_square) as chi_square, max_by(card_testing_failures, date) as card_testing_failures
from finance.failure_rate_anomalies
where date > cast($as_of_date as date) - 30
group by dimension, value
order by date desc, chi_square desc, dimension, value
limit 15
