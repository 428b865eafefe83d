-- title: Failed controls of the run before
-- asset: compliance/control_results
-- rows: select * from compliance.control_results where status = 'fail' order by checked_at desc

with earlier as (
    select run_id, status, max(cast(checked_at as varchar)) over (partition by run_id) as ended
    from compliance.control_results
    where run_id <> $run_id
)

select sum(case when status = 'fail' then 1 else 0 end) as failed
from earlier
where ended = (select max(ended) from earlier)
having count(*) > 0
