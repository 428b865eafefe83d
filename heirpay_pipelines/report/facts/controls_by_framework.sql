-- title: Control results of this run by framework
-- asset: compliance/control_results
-- rows: select framework, status, count(*) from compliance.control_results where run_id = $run_id group by all

select framework, status, count(*) as controls
from run_controls
group by framework, status
order by framework, status
