-- title: Controls whose result changed since the run before
-- asset: compliance/control_results
-- rows: select control_id, run_id, status, checked_at from compliance.control_results order by control_id, checked_at desc

with earlier as (
    select control_id, status, run_id, checked_at
    from compliance.control_results
    where run_id <> $run_id
),

newest as (
    select run_id from earlier order by cast(checked_at as varchar) desc limit 1
),

previous as (
    select earlier.control_id, earlier.status
    from earlier
    inner join newest on earlier.run_id = newest.run_id
)

select
    coalesce(run_controls.control_id, previous.control_id) as control_id,
    run_controls.title,
    run_controls.status,
    previous.status as status_before
from run_controls
full join previous on run_controls.control_id = previous.control_id
where run_controls.status is distinct from previous.status and exists (select 1 from newest)
order by control_id
