-- EU One Stop Shop by quarter, corrections of earlier quarters apart. Of a month its quarter.
select
    scheme,
    strftime(quarter, '%Y') || '-Q' || quarter(quarter) as period,
    part,
    case when part = 'correction'
        then strftime(supplied_quarter, '%Y') || '-Q' || quarter(supplied_quarter) end
        as corrected_period,
    member_state,
    rate as vat_rate,
    upper(currency) as currency,
    taxable_amount,
    tax_amount as vat_amount,
    currencies_without_rate
from finance.tax_oss_return
where ($month is null or date_trunc('quarter', quarter) = date_trunc('quarter', cast($month as date)))
order by period, part desc, corrected_period, member_state, vat_rate
