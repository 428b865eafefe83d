-- Each bank statement with what proves that it is whole: opening + lines = closing in itself (a
-- file where they do not add up was never landed), and the closing balance of the one before. A
-- difference to the one before is a statement that is missing between them.
with statements as (
    select
        *,
        -- OFX states no opening balance: it is what the lines leave of the closing one.
        coalesce(opening, closing - total) as opens_with
    from {{ ref('stg_bank_statements') }}
),

paired as (
    select
        statements.id,
        earlier.id as previous_id,
        earlier.closing as previous_closing,
        row_number() over (
            partition by statements.id order by earlier.last_on desc, earlier.id desc
        ) as place
    from statements
    inner join statements as earlier
        on
            statements.bank_account = earlier.bank_account
            and statements.currency = earlier.currency
            and statements.first_on >= earlier.last_on
            and statements.last_on > earlier.last_on
            and earlier.closing is not null
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
        {{ to_major('statements.opens_with - paired.previous_closing', 'statements.currency') }}
            as difference_to_previous,
        case
            when statements.opening is not null and statements.closing is not null then 'itself'
            when statements.opens_with - paired.previous_closing = 0 then 'previous statement'
            else 'nothing'
        end as verified_by
    from statements
    left join paired on statements.id = paired.id and paired.place = 1
)

select * from final
