-- Each bank statement with what proves that it is whole: opening + lines = closing in itself (a
-- file where they do not add up was never landed), and the closing balance of the one before. A
-- difference to the one before is a statement that is missing between them.
--
-- The one before is found by its dates and amounts: of the statements that end by the day on which
-- this one begins the nearest, on its day and on the day before it that has any, the one that
-- closes with this one's opening balance where there is one (pages and statements of one day).
-- One that this one overlaps is before it, too, when it closes with what this one repeats of it.
with statements as (
    select
        *,
        -- A balance of a later day, as OFX may state it, holds bookings that are not listed.
        case when closes_period then closing end as closes_with,
        -- OFX states no opening balance: it is what the lines leave of the closing one.
        coalesce(opening, case when closes_period then closing - total end) as opens_with
    from {{ ref('stg_bank__statements') }}
),

earlier as (
    select
        statements.id,
        others.id as previous_id,
        others.closes_with as previous_closing,
        others.last_on as previous_last_on,
        case
            when statements.opens_with = others.closes_with then 0
            when statements.opens_with + statements.repeats = others.closes_with then 0
            else statements.opens_with - others.closes_with
        end as difference
    from statements
    inner join statements as others
        on
            statements.bank_account = others.bank_account
            and statements.currency = others.currency
            and statements.id <> others.id
            and statements.last_on >= others.last_on
            and (
                statements.first_on >= others.last_on
                or (
                    statements.repeats <> 0
                    and statements.first_on >= others.first_on
                    and statements.opens_with + statements.repeats = others.closes_with
                )
            )
    where
        statements.is_final
        and others.is_final
        and others.closes_with is not null
        -- What lies between and states no balance may hold the difference.
        and not exists (
            select 1
            from statements as between_them
            where
                between_them.bank_account = statements.bank_account
                and between_them.currency = statements.currency
                and between_them.is_final
                and between_them.closes_with is null
                and between_them.last_on > others.last_on
                and between_them.last_on <= statements.first_on
                and between_them.id <> statements.id
        )
        -- The same statement again is not before itself.
        and not (
            others.first_on = statements.first_on
            and others.last_on = statements.last_on
            and others.closes_with = statements.closes_with
            and others.opens_with = statements.opens_with
        )
),

-- The nearest day that ended before the statement begins; on its first day others may have ended.
nearest as (
    select earlier.id, max(earlier.previous_last_on) as nearest_on
    from earlier
    inner join statements on earlier.id = statements.id
    where earlier.previous_last_on < statements.first_on
    group by earlier.id
),

paired as (
    select
        earlier.*,
        row_number() over (
            partition by earlier.id
            order by
                case when earlier.difference = 0 then 0 else 1 end,
                earlier.previous_last_on desc,
                earlier.previous_id desc
        ) as place
    from earlier
    inner join statements on earlier.id = statements.id
    left join nearest on earlier.id = nearest.id
    where
        nearest.nearest_on is null
        or earlier.previous_last_on >= nearest.nearest_on
),

final as (
    select
        statements.id as bank_statement_id,
        statements.bank_account,
        statements.statement_id,
        statements.file_name,
        statements.format,
        statements.currency,
        statements.first_on,
        statements.last_on,
        statements.line_count,
        {{ to_major('statements.opening', 'statements.currency') }} as opening_balance,
        {{ to_major('statements.closing', 'statements.currency') }} as closing_balance,
        paired.previous_id as previous_statement_id,
        {{ to_major('paired.difference', 'statements.currency') }}
            as difference_to_previous,
        case
            when statements.opening is not null and statements.closing is not null then 'itself'
            when paired.difference = 0 then 'previous statement'
            else 'nothing'
        end as verified_by,
        statements.is_final
    from statements
    left join paired on statements.id = paired.id and paired.place = 1
)

select * from final
