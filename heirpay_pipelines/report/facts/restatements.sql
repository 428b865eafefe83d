-- title: Figures of past months that changed
-- asset: finance/restatements
-- rows: select * from finance.restatements

select * from finance.restatements
limit 20
