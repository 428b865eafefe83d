-- What was charged against the rate then in force: one row per document and tax. Zero-rated, exempt
-- and reverse-charge lines charge no rate. What cannot be compared says why.
with movements as (
    select * from {{ ref('int_tax_movements') }}
    where movement in ('finalised', 'one_off') and amount <> 0
),

invoices as (
    select id, customer_country from {{ ref('stg_invoices') }}
),

in_force as (
    select * from {{ ref('tax_rates_in_force') }}
),

-- One row per document and rate: lines repeat.
charged as (
    select
        movements.document_id,
        movements.document_type,
        movements.customer_id,
        movements.country,
        movements.region,
        movements.jurisdiction,
        movements.jurisdiction_level,
        movements.tax_type,
        movements.rate,
        movements.taxability_reason,
        invoices.customer_country,
        movements.supplied_on,
        movements.currency,
        sum(movements.amount) as amount,
        sum(movements.taxable_amount) as taxable_amount
    from movements
    left join invoices on movements.invoice_id = invoices.id
    group by all
),

-- The place's own rate before the country's; of a wrong place, the rate of the customer's country.
expected as (
    select
        charged.*,
        coalesce(regional.rate, national.rate) as expected_rate,
        coalesce(regional.source, national.source) as source
    from charged
    left join in_force as regional
        on
            charged.country = regional.country
            and upper(charged.region) = regional.region
            and charged.tax_type = regional.tax_type
            and charged.supplied_on >= regional.valid_from
            and charged.supplied_on <= coalesce(regional.valid_until, date '9999-12-31')
    left join in_force as national
        on
            coalesce(charged.customer_country, charged.country) = national.country
            and national.region is null
            and coalesce(charged.tax_type, national.tax_type) = national.tax_type
            and charged.supplied_on >= national.valid_from
            and charged.supplied_on <= coalesce(national.valid_until, date '9999-12-31')
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
