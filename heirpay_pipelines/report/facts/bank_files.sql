-- title: Bank statement files
-- asset: operations/coverage
-- rows: select * from operations.coverage where mode = 'bank' order by as_of desc

select endpoint, arg_max(status, as_of) as status
from operations.coverage
where mode = 'bank'
group by endpoint
order by endpoint
