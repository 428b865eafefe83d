-- What a tax adviser would ask about: rates that differ from those in force, tax of another place
-- than the customer's, ids that cannot exist, thresholds passed without collecting,
-- tax that was not recorded.
with taxes as (
    select * from {{ ref('int_invoice_taxes') }}
    where taxability_reason = 'standard_rated' and amount <> 0
),

invoices as (
    select id, customer_country from {{ ref('stg_invoices') }}
),

dated as (
    select
        taxes.*,
        invoices.customer_country,
        {{ reporting_date('taxes.finalized_at') }} as supplied_on
    from taxes
    inner join invoices on taxes.invoice_id = invoices.id
),

in_force as (
    select * from {{ ref('tax_rates_in_force') }}
),

-- One row per invoice and rate: lines repeat.
charged as (
    select
        invoice_id,
        customer_id,
        tax_rate_id,
        country,
        region,
        jurisdiction_level,
        tax_type,
        rate,
        customer_country,
        supplied_on,
        currency,
        sum(amount) as amount,
        sum(taxable_amount) as taxable_amount
    from dated
    group by
        invoice_id,
        customer_id,
        tax_rate_id,
        country,
        region,
        jurisdiction_level,
        tax_type,
        rate,
        customer_country,
        supplied_on,
        currency
),

wrong_place as (
    select
        'wrong_jurisdiction' as kind,
        charged.invoice_id as object_id,
        charged.customer_id,
        charged.country,
        charged.region,
        charged.rate as charged_rate,
        expected.rate as expected_rate,
        charged.currency,
        {{ to_major('charged.amount', 'charged.currency') }} as amount,
        charged.supplied_on as seen_on,
        concat(
            'Tax of ', charged.country, ' was charged to a customer in ', charged.customer_country
        ) as detail
    from charged
    left join in_force as expected
        on
            charged.customer_country = expected.country
            and expected.region is null
            and charged.tax_type = expected.tax_type
            and charged.supplied_on >= expected.valid_from
            and charged.supplied_on <= coalesce(expected.valid_until, date '9999-12-31')
    where charged.country <> charged.customer_country
),

wrong_rate as (
    select
        'rate_not_in_force' as kind,
        charged.invoice_id as object_id,
        charged.customer_id,
        charged.country,
        charged.region,
        charged.rate as charged_rate,
        expected.rate as expected_rate,
        charged.currency,
        {{ to_major('charged.amount', 'charged.currency') }} as amount,
        charged.supplied_on as seen_on,
        'The rate charged is not the standard rate that was in force' as detail
    from charged
    inner join in_force as expected
        on
            charged.country = expected.country
            and coalesce(upper(charged.region), '') = coalesce(expected.region, '')
            and charged.tax_type = expected.tax_type
            and charged.supplied_on >= expected.valid_from
            and charged.supplied_on <= coalesce(expected.valid_until, date '9999-12-31')
    where
        charged.rate <> expected.rate
        -- Counties, cities and districts have rates of their own.
        and coalesce(charged.jurisdiction_level, 'country') in ('country', 'state')
        and charged.country = coalesce(charged.customer_country, charged.country)
),

invalid_ids as (
    select
        'tax_id_checksum' as kind,
        ids.id as object_id,
        ids.customer_id,
        ids.country,
        cast(null as varchar) as region,
        cast(null as decimal(18, 6)) as charged_rate,
        cast(null as decimal(18, 6)) as expected_rate,
        cast(null as varchar) as currency,
        cast(null as decimal(24, 3)) as amount,
        {{ reporting_date('ids.created_at') }} as seen_on,
        concat('The ', ids.type, ' cannot exist: its ', checks.fault, ' is wrong') as detail
    from {{ ref('stg_tax_ids') }} as ids
    inner join {{ source('landing', 'tax_id_checks') }} as checks
        on ids.type = checks.type and ids.value = checks.value
    where not checks.is_valid and not ids.is_deleted
),

passed as (
    select
        'registration_threshold' as kind,
        concat_ws('-', country, region) as object_id,
        cast(null as varchar) as customer_id,
        country,
        region,
        cast(null as decimal(18, 6)) as charged_rate,
        cast(null as decimal(18, 6)) as expected_rate,
        currency,
        sales_amount as amount,
        {{ as_of_date() }} as seen_on,
        concat(
            'Sales of twelve months pass the threshold of ',
            cast(cast(threshold as bigint) as varchar), ' ', currency, case
                when passed_by = 'either'
                    then concat(' or ', cast(threshold_count as varchar), ' sales')
                when passed_by = 'both'
                    then concat(' and ', cast(threshold_count as varchar), ' sales')
                else ''
            end, ' and no tax is collected: ', scheme
        ) as detail
    from {{ ref('tax_registrations') }}
    where status = 'passed'
),

not_recorded as (
    select
        'tax_not_recorded' as kind,
        attempts.source_id as object_id,
        intents.customer_id,
        cast(null as varchar) as country,
        cast(null as varchar) as region,
        cast(null as decimal(18, 6)) as charged_rate,
        cast(null as decimal(18, 6)) as expected_rate,
        intents.currency,
        {{ to_major('intents.amount', 'intents.currency') }} as amount,
        {{ reporting_date('intents.created_at') }} as seen_on,
        concat('Stripe Tax recorded no tax of this payment: ', attempts.reason) as detail
    from {{ ref('stg_tax_attempts') }} as attempts
    left join {{ ref('stg_payment_intents') }} as intents
        on attempts.payment_intent_id = intents.id
    where attempts.status = 'errored'
),

every_warning as (
    select * from wrong_place
    union all
    select * from wrong_rate
    union all
    select * from invalid_ids
    union all
    select * from passed
    union all
    select * from not_recorded
),

final as (
    select
        concat('tax_', substr(md5({{ text_key([
            'kind', 'object_id', 'country', 'region', 'cast(charged_rate as varchar)'
        ]) }}), 1, 24)) as warning_id,
        kind,
        object_id,
        customer_id,
        country,
        region,
        charged_rate,
        expected_rate,
        currency,
        amount,
        seen_on,
        detail
    from every_warning
)

select * from final
