-- title: The published tables
-- asset: publish/publication
-- rows: select schema_name, table_name, estimated_size from duckdb_tables() order by all

select
    schema_name || '.' || table_name as name,
    estimated_size as rows,
    comment is not null and comment <> '' as described
from duckdb_tables()
where database_name = 'heirpay' and schema_name in ('finance', 'compliance', 'operations')
order by name
