-- title: Failed controls of the night before
-- asset: compliance/control_results
-- rows: select * from compliance.control_results where status = 'fail' order by checked_at desc

with earlier as (
    select run_id, control_id, status, cast(checked_at as varchar) as checked_at
    from compliance.control_results
    where
        run_id <> $run_id
        -- Refreshes and month ends write no report: a night is held against the night before.
        and run_id not in (
            select run_id from operations.run_history where job in ('intraday_refresh', 'month_end')
        )
),

previous as (
    select control_id, max_by(status, checked_at) as status
    from earlier
    where run_id = (select max_by(run_id, checked_at) from earlier)
    group by control_id
)

select sum(case when status = 'fail' then 1 else 0 end) as failed
from previous
having count(*) > 0
