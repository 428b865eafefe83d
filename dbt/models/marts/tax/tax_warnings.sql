-- What a tax adviser would ask about: rates that differ from those in force, tax of another place
-- than the customer's, ids that cannot exist, thresholds passed without collecting,
-- tax that was not recorded.
with charged as (
    select * from {{ ref('int_tax_charged') }}
),

wrong as (
    select
        case status
            when 'differs' then 'rate_not_in_force' else 'wrong_jurisdiction'
        end as kind,
        document_id as object_id,
        customer_id,
        country,
        region,
        rate as charged_rate,
        expected_rate,
        currency,
        {{ to_major('amount', 'currency') }} as amount,
        supplied_on as seen_on,
        case status
            when 'differs' then 'The rate charged is not the standard rate that was in force'
            else concat(
                'Tax of ', country, ' was charged to a customer in ', customer_country
            )
        end as detail
    from charged
    where status in ('differs', 'wrong_jurisdiction')
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
    from {{ ref('stg_stripe__tax_ids') }} as ids
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
        passed_on as seen_on,
        concat(
            'Sales passed the threshold of ',
            cast(cast(threshold as bigint) as varchar), ' ', currency, case
                when passed_by = 'either'
                    then concat(' or ', cast(threshold_count as varchar), ' sales')
                when passed_by = 'both'
                    then concat(' and ', cast(threshold_count as varchar), ' sales')
                else ''
            end, case
                when passed_on is not null then concat(' on ', cast(passed_on as varchar))
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
    from {{ ref('stg_stripe__tax_attempts') }} as attempts
    left join {{ ref('stg_stripe__payment_intents') }} as intents
        on attempts.payment_intent_id = intents.id
    where attempts.status = 'errored'
),

every_warning as (
    select * from wrong
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
