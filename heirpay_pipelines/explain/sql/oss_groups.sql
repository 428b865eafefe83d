-- The rows of a quarter's One Stop Shop return.
select part, supplied_quarter, member_state, rate, taxable_amount, tax_amount
from finance.tax_oss_return
where quarter = $quarter and ($country is null or member_state = $country)
order by member_state, rate, part desc, supplied_quarter
