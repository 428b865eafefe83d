-- For each currency and day, how many days on which banks book have gone by: the distance between
-- two dates in bank days is a subtraction, and a weekend or a holiday adds nothing.
with currencies as (
    select distinct currency from {{ ref('stg_stripe__payouts') }}
    union
    select distinct currency from {{ ref('stg_bank__transactions') }}
    union
    select distinct currency from {{ ref('stg_bank__statements') }}
),

bounds as (
    select
        coalesce(min(date), {{ as_of_date() }}) as first_date,
        coalesce(max(date), {{ as_of_date() }}) as last_date
    from (
        select arrival_date as date from {{ ref('stg_stripe__payouts') }}
        union all
        select booked_on as date from {{ ref('stg_bank__transactions') }}
        union all
        select first_on as date from {{ ref('stg_bank__statements') }}
        union all
        select last_on as date from {{ ref('stg_bank__statements') }}
        union all
        select {{ as_of_date() }} as date
    ) as dates
),

holidays as (
    select currency, holiday from {{ ref('bank_holidays') }}
),

days as (
    select calendar.date, currencies.currency
    from {{ dates_between(
        "(select first_date from bounds)", "(select last_date from bounds)"
    ) }} as calendar
    cross join currencies
),

marked as (
    select
        days.date,
        days.currency,
        case
            when {{ is_weekend("days.date") }} then 0
            when holidays.holiday is not null then 0
            else 1
        end as is_bank_day
    from days
    left join holidays on days.currency = holidays.currency and days.date = holidays.holiday
),

final as (
    select
        date,
        currency,
        is_bank_day = 1 as is_bank_day,
        sum(is_bank_day) over (
            partition by currency order by date rows between unbounded preceding and current row
        ) as bank_day
    from marked
)

select * from final
