-- Every open invoice with money due: what was tried, what comes next, what to do.
with invoices as (
    select * from {{ ref('stg_stripe__invoices') }}
    where status = 'open' and amount_remaining > 0
),

failures as (
    select * from {{ ref('payment_failures') }}
    where invoice_id in (select id from invoices)
),

last_failures as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by invoice_id order by occurred_at desc, charge_id desc
            ) as place
        from failures
    ) as ranked
    where place = 1
),

attempts as (
    select
        invoice_id,
        count(*) as attempts,
        count(case when status = 'failed' then 1 end) as failed,
        count(case when status = 'pending' then 1 end) as pending,
        count(case when status = 'succeeded' then 1 end) as succeeded
    from {{ ref('int_charges') }}
    where invoice_id in (select id from invoices)
    group by invoice_id
),

fingerprints as (
    select id, fingerprint from {{ ref('stg_stripe__charges') }}
    where id in (select charge_id from last_failures)
),

-- Not the one that failed, not the same card saved twice, not one that has expired.
other_methods as (
    select invoices.id, count(*) as methods, {{ text_list('methods.id') }} as method_ids
    from invoices
    inner join {{ ref('stg_stripe__payment_methods') }} as methods
        on invoices.customer_id = methods.customer_id
    left join last_failures on invoices.id = last_failures.invoice_id
    left join fingerprints on last_failures.charge_id = fingerprints.id
    where
        methods.id is distinct from last_failures.payment_method_id
        and (
            fingerprints.fingerprint is null
            or methods.fingerprint is distinct from fingerprints.fingerprint
        )
        and (
            methods.expiry_year is null
            or methods.expiry_year * 12 + methods.expiry_month
            >= extract(year from {{ as_of_date() }}) * 12 + extract(month from {{ as_of_date() }})
        )
    group by invoices.id
),

joined as (
    select
        invoices.*,
        {{ reporting_date(
            'coalesce(invoices.due_at, invoices.finalized_at, invoices.created_at)'
        ) }} as due_on,
        coalesce(attempts.attempts, 0) as attempts,
        coalesce(attempts.failed, 0) as failed,
        coalesce(attempts.pending, 0) as pending,
        coalesce(attempts.succeeded, 0) as succeeded,
        coalesce(other_methods.methods, 0) as methods,
        other_methods.method_ids,
        last_failures.occurred_at as last_failed_at,
        last_failures.decline_code,
        last_failures.decline_kind,
        coalesce(last_failures.retry_allowed, true) as retry_allowed,
        last_failures.retry_not_before,
        last_failures.payment_method_id
    from invoices
    left join attempts on invoices.id = attempts.invoice_id
    left join other_methods on invoices.id = other_methods.id
    left join last_failures on invoices.id = last_failures.invoice_id
),

aged as (
    select
        *,
        greatest({{ days_between('due_on', as_of_date()) }}, 0) as days_past_due,
        next_payment_attempt_at is not null as is_scheduled
    from joined
),

final as (
    select
        id as invoice_id,
        number as invoice_number,
        customer_id,
        subscription_id,
        collection_method,
        currency,
        {{ to_major('amount_due', 'currency') }} as amount_due,
        {{ to_major('amount_remaining', 'currency') }} as amount_remaining,
        attempts,
        failed as failed_attempts,
        last_failed_at,
        decline_code as last_decline_code,
        decline_kind as last_decline_kind,
        retry_allowed,
        retry_not_before,
        next_payment_attempt_at as next_attempt_at,
        due_on,
        cast(days_past_due as bigint) as days_past_due,
        case
            when days_past_due = 0 then 'not due'
            when days_past_due <= 30 then '1-30'
            when days_past_due <= 60 then '31-60'
            when days_past_due <= 90 then '61-90'
            else 'over 90'
        end as age,
        payment_method_id as failed_payment_method_id,
        case
            when not {{ is_unread('payment_method', as_of_date()) }} then methods
        end as other_methods,
        method_ids as other_method_ids,
        case
            when succeeded > 0 then 'check_payment'
            when pending > 0 then 'wait_for_debit'
            when days_past_due > 90 then 'decide_write_off'
            when failed > 0 and not retry_allowed and methods > 0 then 'charge_other_method'
            when failed > 0 and not retry_allowed then 'ask_for_new_method'
            when is_scheduled and failed > 1 and methods > 0 then 'charge_other_method'
            when is_scheduled then 'wait_for_retry'
            when failed > 0 and methods > 0 then 'charge_other_method'
            when failed > 0 then 'retry_and_ask'
            when days_past_due > 0 then 'send_reminder'
            else 'wait_until_due'
        end as recommended_action
    from aged
)

select * from final
