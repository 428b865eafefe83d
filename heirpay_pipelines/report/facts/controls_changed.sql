-- title: Controls whose result changed since the night before
-- asset: compliance/control_results
-- rows: select control_id, run_id, status, checked_at from compliance.control_results order by control_id, checked_at desc

with earlier as (
    select control_id, status, run_id, cast(checked_at as varchar) as checked_at
    from compliance.control_results
    where
        run_id <> $run_id
        -- Refreshes and month ends write no report: a night is held against the night before.
        and run_id not in (
            select run_id from operations.run_history where job in ('intraday_refresh', 'month_end')
        )
),

newest as (
    select run_id from earlier order by checked_at desc limit 1
),

-- A run that was taken up again has looked twice: its last look counts.
previous as (
    select earlier.control_id, max_by(earlier.status, earlier.checked_at) as status
    from earlier
    inner join newest on earlier.run_id = newest.run_id
    group by earlier.control_id
)

-- A control that is no more in the register changed no result: it is not asked any more.
select
    run_controls.control_id,
    run_controls.title,
    run_controls.status,
    previous.status as status_before
from run_controls
left join previous on run_controls.control_id = previous.control_id
where run_controls.status is distinct from previous.status and exists (select 1 from newest)
order by
    case run_controls.status when 'fail' then 0 when 'not_evaluated' then 1 else 2 end,
    run_controls.control_id
