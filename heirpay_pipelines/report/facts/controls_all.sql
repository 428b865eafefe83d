-- title: Every control of this run
-- asset: compliance/control_results
-- rows: select * from compliance.control_results where run_id = $run_id

select
    control_id,
    coalesce(key, lower(split_part(control_id, '.', 3))) as key,
    framework, requirement, title, severity, status, checked, violations, evidence,
    what_to_do, owner
from run_controls
order by framework, requirement, control_id
