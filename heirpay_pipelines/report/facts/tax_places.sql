-- title: Places where tax may be due
-- asset: finance/tax_registrations
-- rows: select * from finance.tax_registrations order by country, region

-- A registration, or tax that was charged in the last twelve months (a member state by the EU's).
with places as (
    select country || coalesce('-' || region, '') as place, is_collecting, status
    from finance.tax_registrations
    union all
    select
        country || coalesce('-' || region, '') as place, sum(tax_amount) > 0 as is_collecting,
        'tax charged in twelve months' as status
    from finance.tax_summary
    where month > cast($as_of_date as date) - interval 12 month and country is not null
    group by country, region
)

select place, bool_or(is_collecting) as is_collecting, any_value(status) as status
from places
group by place
order by place
