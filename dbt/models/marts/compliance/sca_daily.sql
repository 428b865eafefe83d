{{ config(schema='compliance') }}
-- Strong customer authentication: how the paid card payments of issuers that must ask for it were
-- authenticated. What the merchant starts (renewals) is outside of it; a wallet authenticates on
-- the customer's device.
with charges as (
    select * from {{ ref('int_charges') }}
    where status = 'succeeded' and payment_method_type = 'card'
),

invoices as (
    select id, billing_reason from {{ ref('stg_stripe__invoices') }}
),

countries as (
    select * from {{ ref('sca_countries') }}
),

classified as (
    select
        charges.created_on,
        charges.country,
        charges.currency,
        case
            when charges.three_d_secure_result in ('authenticated', 'attempt_acknowledged')
                then 'authenticated'
            when charges.wallet in ('apple_pay', 'google_pay') then 'authenticated'
            when charges.three_d_secure_result = 'exempted' then 'exempt'
            when
                charges.three_d_secure_result is null
                and invoices.billing_reason in (
                    'subscription_cycle',
                    'subscription_threshold',
                    'automatic_pending_invoice_item_invoice'
                )
                then 'merchant_initiated'
            else 'unauthenticated'
        end as authentication
    from charges
    inner join countries
        on charges.country = countries.country and charges.created_on >= countries.valid_from
    left join invoices on charges.invoice_id = invoices.id
),

counted as (
    select
        created_on as date,
        country,
        currency,
        count(*) as payments,
        count(case when authentication = 'authenticated' then 1 end) as authenticated,
        count(case when authentication = 'exempt' then 1 end) as exempt,
        count(case when authentication = 'merchant_initiated' then 1 end)
            as merchant_initiated,
        count(case when authentication = 'unauthenticated' then 1 end) as unauthenticated
    from classified
    group by created_on, country, currency
),

final as (
    select
        date,
        country,
        currency,
        payments,
        authenticated,
        exempt,
        merchant_initiated,
        unauthenticated,
        cast(
            {{ divide('authenticated + exempt', 'payments - merchant_initiated', 6, 0, 0) }}
            as decimal(18, 6)
        ) as sca_share
    from counted
)

select * from final
