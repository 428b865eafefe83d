-- From when to when bank statements cover a currency: each from its first to its last closing date,
-- and days between two of them on which no bank books. Lines whose statement is not known cover the
-- days from the first to the last of their file. A report before the statement covers nothing: what
-- it lacks is not missing.
with statements as (
    select bank_account, statement_id, currency, first_on, last_on
    from {{ ref('stg_bank__statements') }}
    where first_on is not null and last_on is not null and is_final
),

line_files as (
    select
        lines.currency,
        min(lines.booked_on) as first_on,
        max(lines.booked_on) as last_on
    from {{ ref('stg_bank__transactions') }} as lines
    left join statements
        on
            lines.bank_account = statements.bank_account
            and lines.currency = statements.currency
            and lines.booked_on between statements.first_on and statements.last_on
    where statements.bank_account is null and lines.booked_on is not null and lines.is_final
    group by lines.currency, lines.bank_account, lines.file_name
),

spans as (
    select currency, first_on, last_on from statements
    union
    select currency, first_on, last_on from line_files
),

days as (
    select date, currency, is_bank_day, bank_day from {{ ref('int_bank_days') }}
),

-- Counted in bank days: a statement to Friday and one from Monday follow each other.
counted as (
    select
        spans.currency,
        spans.first_on,
        spans.last_on,
        firsts.bank_day - case when firsts.is_bank_day then 1 else 0 end as before_first,
        lasts.bank_day as last_day
    from spans
    inner join days as firsts
        on spans.currency = firsts.currency and spans.first_on = firsts.date
    inner join days as lasts
        on spans.currency = lasts.currency and spans.last_on = lasts.date
),

started as (
    select
        *,
        case
            when
                before_first <= max(last_day) over (
                    partition by currency order by before_first, last_day
                    rows between unbounded preceding and 1 preceding
                )
                then 0
            else 1
        end as is_start
    from counted
),

numbered as (
    select
        *,
        sum(is_start) over (
            partition by currency order by before_first, last_day
            rows between unbounded preceding and current row
        ) as number
    from started
),

final as (
    select
        currency,
        number,
        min(first_on) as first_on,
        max(last_on) as last_on
    from numbered
    group by currency, number
)

select * from final
