-- Stripe rounds the tax of an invoice as a whole or line by line. Where the two differ by no more
-- than a minor unit for each taxed line, the difference is rounding: a row of its own, by rate
-- where the invoice states its taxes by rate, with the largest tax that it belongs to.
with taxes as (
    select * from {{ ref('int_line_taxes') }}
),

totals as (
    select invoice_id, tax_rate_id, is_inclusive, sum(amount) as amount
    from {{ ref('stg_stripe__invoice_tax_totals') }}
    group by invoice_id, tax_rate_id, is_inclusive
),

by_rate as (
    select
        invoice_id,
        tax_rate_id,
        is_inclusive,
        sum(amount) as amount,
        count(*) as tax_count
    from taxes
    group by invoice_id, tax_rate_id, is_inclusive
),

-- By rate, where each rate of the lines is a rate of the total and the other way round.
paired as (
    select
        by_rate.invoice_id,
        by_rate.tax_rate_id,
        by_rate.is_inclusive,
        totals.amount - by_rate.amount as difference,
        by_rate.tax_count
    from by_rate
    inner join totals
        on
            by_rate.invoice_id = totals.invoice_id
            and by_rate.tax_rate_id = totals.tax_rate_id
            and by_rate.is_inclusive = totals.is_inclusive
),

line_counts as (
    select invoice_id, count(*) as rates, sum(amount) as amount, sum(tax_count) as tax_count
    from by_rate
    group by invoice_id
),

total_counts as (
    select invoice_id, count(*) as rates from totals group by invoice_id
),

pair_counts as (
    select invoice_id, count(*) as rates from paired group by invoice_id
),

matched as (
    select line_counts.invoice_id
    from line_counts
    inner join total_counts on line_counts.invoice_id = total_counts.invoice_id
    inner join pair_counts on line_counts.invoice_id = pair_counts.invoice_id
    where line_counts.rates = pair_counts.rates and total_counts.rates = pair_counts.rates
),

whole as (
    select
        line_counts.invoice_id,
        invoices.tax_amount - line_counts.amount as difference,
        line_counts.tax_count
    from line_counts
    inner join {{ ref('stg_stripe__invoices') }} as invoices on line_counts.invoice_id = invoices.id
    where line_counts.invoice_id not in (select invoice_id from matched)
),

largest as (
    select
        invoice_id,
        line_id,
        tax_number,
        tax_rate_id,
        is_inclusive,
        row_number() over (
            partition by invoice_id, tax_rate_id, is_inclusive
            order by abs(amount) desc, line_id asc, tax_number asc
        ) as place_of_rate,
        row_number() over (
            partition by invoice_id order by abs(amount) desc, line_id asc, tax_number asc
        ) as place
    from taxes
),

final as (
    select
        largest.invoice_id,
        largest.line_id,
        largest.tax_number,
        cast(paired.difference as bigint) as amount
    from paired
    inner join matched on paired.invoice_id = matched.invoice_id
    inner join largest
        on
            paired.invoice_id = largest.invoice_id
            and paired.tax_rate_id = largest.tax_rate_id
            and paired.is_inclusive = largest.is_inclusive
            and largest.place_of_rate = 1
    where paired.difference <> 0 and abs(paired.difference) <= paired.tax_count
    union all
    select
        largest.invoice_id,
        largest.line_id,
        largest.tax_number,
        cast(whole.difference as bigint) as amount
    from whole
    inner join largest on whole.invoice_id = largest.invoice_id and largest.place = 1
    where whole.difference <> 0 and abs(whole.difference) <= whole.tax_count
)

select * from final
