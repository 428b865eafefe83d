-- What was charged against the rate then in force: one row per document and tax. Zero-rated, exempt
-- and reverse-charge lines charge no rate. What cannot be compared says why.
with movements as (
    select * from {{ ref('int_tax_movements') }}
    where movement in ('finalised', 'one_off') and amount <> 0
),

invoices as (
    select id, customer_country from {{ ref('stg_stripe__invoices') }}
),

in_force as (
    select * from {{ ref('tax_rates_in_force') }}
),

national_rates as (
    select * from in_force where region is null
),

-- A tax whose type is not stated is the country's, where it has one.
tax_type_of_country as (
    select country, min(tax_type) as tax_type
    from national_rates
    group by country
    having count(distinct tax_type) = 1
),

-- One row per document and rate: lines repeat.
charged as (
    select
        document_id,
        document_type,
        invoice_id,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        taxability_reason,
        supplied_on,
        currency,
        sum(amount) as amount,
        sum(taxable_amount) as taxable_amount
    from movements
    group by all
),

-- Joins by equality and dates alone: a condition over both sides compares all with all.
located as (
    select
        charged.*,
        invoices.customer_country,
        coalesce(invoices.customer_country, charged.country) as rate_country
    from charged
    left join invoices on charged.invoice_id = invoices.id
),

typed as (
    select
        located.*,
        coalesce(located.tax_type, tax_type_of_country.tax_type) as rate_type
    from located
    left join tax_type_of_country on located.rate_country = tax_type_of_country.country
),

-- The place's own rate before the country's; of a wrong place, the rate of the customer's country.
expected as (
    select
        typed.*,
        coalesce(regional.rate, national.rate) as expected_rate,
        coalesce(regional.source, national.source) as source
    from typed
    left join in_force as regional
        on
            typed.country = regional.country
            and upper(typed.region) = regional.region
            and typed.tax_type = regional.tax_type
            and typed.supplied_on >= regional.valid_from
            and typed.supplied_on <= coalesce(regional.valid_until, date '9999-12-31')
    left join national_rates as national
        on
            typed.rate_country = national.country
            and typed.rate_type = national.tax_type
            and typed.supplied_on >= national.valid_from
            and typed.supplied_on <= coalesce(national.valid_until, date '9999-12-31')
),

judged as (
    select
        *,
        case
            when country <> customer_country then 'wrong_jurisdiction'
            when jurisdiction_level in ('county', 'city', 'district') then 'not_compared'
            when jurisdiction_level = 'multiple' then 'not_compared'
            when document_type = 'payment' and country = 'US' then 'not_compared'
            when
                coalesce(taxability_reason, 'not_available') not in (
                    'standard_rated', 'not_available'
                )
                then 'not_compared'
            when expected_rate is null then 'not_compared'
            when rate = expected_rate then 'in_force'
            else 'differs'
        end as status,
        case
            when country <> customer_country then 'tax of another country than the customer''s'
            when jurisdiction_level in ('county', 'city', 'district')
                then 'no seed: local rates change too often to be kept in a table'
            when jurisdiction_level = 'multiple' or (document_type = 'payment' and country = 'US')
                then 'several jurisdictions in one amount'
            when
                coalesce(taxability_reason, 'not_available') not in (
                    'standard_rated', 'not_available'
                )
                then concat('no seed: rates other than the standard one (', taxability_reason, ')')
            when expected_rate is null then 'no seed: no rate of this place, tax and day'
        end as reason
    from expected
),

final as (
    select
        document_id,
        document_type,
        customer_id,
        country,
        region,
        jurisdiction,
        jurisdiction_level,
        tax_type,
        rate,
        taxability_reason,
        customer_country,
        supplied_on,
        currency,
        amount,
        taxable_amount,
        case when status <> 'not_compared' then expected_rate end as expected_rate,
        case when status <> 'not_compared' then source end as source,
        status,
        reason
    from judged
)

select * from final
