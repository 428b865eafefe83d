-- title: Incidents
-- asset: operations/incidents
-- rows: select * from operations.incidents order by opened_at desc

select * from operations.incidents
order by opened_at desc
