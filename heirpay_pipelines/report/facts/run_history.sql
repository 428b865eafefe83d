-- title: The last runs
-- asset: operations/run_history
-- rows: select * from operations.run_history order by started_at desc

select * from operations.run_history
order by started_at desc
limit 10
