-- Pairs of charges that look like one payment taken twice: the same customer, card, amount and
-- currency within two minutes, the time in which forms are sent twice. Two invoices that each were
-- paid once are no duplicate; many small attempts are card testing, which the risk tables show.
{%- set apart = 'interval ' ~ var('duplicate_charge_seconds', 120) ~ ' second' %}
with charges as (
    select
        id, created_at, created_on, customer_id, fingerprint, amount, currency, invoice_id
    from {{ ref('int_charges') }}
    where
        status = 'succeeded' and is_captured and amount_refunded < amount_captured
        and customer_id is not null and fingerprint is not null
),

-- Only days with more than one such charge are looked at; the last minutes of a day count in the
-- next one too.
dated as (
    select *, cast(created_at as date) as day from charges
    union all
    select *, cast(created_at + {{ apart }} as date) as day from charges
    where cast(created_at + {{ apart }} as date) > cast(created_at as date)
),

repeated as (
    select customer_id, fingerprint, amount, currency, day
    from dated
    group by customer_id, fingerprint, amount, currency, day
    having count(*) > 1
),

suspects as (
    select dated.*
    from dated
    inner join repeated
        on
            dated.customer_id = repeated.customer_id
            and dated.fingerprint = repeated.fingerprint
            and dated.amount = repeated.amount
            and dated.currency = repeated.currency
            and dated.day = repeated.day
),

final as (
    select
        seconds.id as charge_id,
        min(firsts.id) as first_charge_id,
        seconds.currency,
        seconds.amount,
        seconds.created_on
    from suspects as seconds
    inner join suspects as firsts
        on
            seconds.customer_id = firsts.customer_id
            and seconds.fingerprint = firsts.fingerprint
            and seconds.amount = firsts.amount
            and seconds.currency = firsts.currency
            and seconds.day = firsts.day
            and (
                seconds.created_at > firsts.created_at
                or (seconds.created_at = firsts.created_at and seconds.id > firsts.id)
            )
            and firsts.created_at >= seconds.created_at - {{ apart }}
            and (
                firsts.invoice_id is null
                or seconds.invoice_id is null
                or seconds.invoice_id = firsts.invoice_id
            )
    group by seconds.id, seconds.currency, seconds.amount, seconds.created_on
)

select * from final
