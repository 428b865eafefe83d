-- title: Controls that did not pass
-- asset: compliance/control_results
-- rows: select * from compliance.control_results where run_id = $run_id and status in ('fail', 'not_evaluated')

select
    control_id,
    coalesce(key, lower(split_part(control_id, '.', 3))) as key,
    framework, requirement, title, severity, status, checked, violations, evidence,
    what_to_do, owner
from run_controls
where status in ('fail', 'not_evaluated')
order by
    case status when 'fail' then 0 else 1 end,
    case severity when 'blocking' then 0 else 1 end,
    framework, control_id
