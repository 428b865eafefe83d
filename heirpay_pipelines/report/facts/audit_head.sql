-- title: Head of the audit chain
-- asset: operations/audit_log
-- rows: select * from operations.audit_log order by sequence desc limit 20

select sequence, occurred_at, hash from operations.audit_log
order by sequence desc
limit 1
