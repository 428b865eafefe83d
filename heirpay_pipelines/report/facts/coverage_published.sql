-- title: What was read and what was not
-- asset: operations/coverage
-- rows: select * from operations.coverage order by as_of desc, endpoint

select
    endpoint, object_name, mode, covered_from, covered_until, rows, requests, status, reason,
    api_version
from operations.coverage
where pull_id = (
    select max(pull_id) from operations.coverage
    where mode in ('full', 'events', 'created', 'always', 'derived')
)
order by endpoint, object_name
