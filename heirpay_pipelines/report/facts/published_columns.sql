-- title: The published columns
-- asset: publish/publication
-- rows: select schema_name, table_name, column_name, data_type, comment from duckdb_columns()

select
    schema_name || '.' || table_name as table_name, column_name, data_type, is_nullable,
    coalesce(comment, '') as description
from duckdb_columns()
where database_name = 'heirpay' and schema_name in ('finance', 'compliance', 'operations')
order by 1, column_index
