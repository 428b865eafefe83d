-- The thresholds of the networks' monitoring programmes, and whether each concerns this account: by
-- the region of its country, for Mastercard's fraud programme by the law on strong authentication.
-- An account whose country is not known is held against all.
with accounts as (
    select min(country) as country, count(*) as accounts
    from {{ ref('stg_stripe__accounts') }}
    where is_own and country is not null
),

account as (
    select
        accounts.country,
        coalesce(regions.region, 'CEMEA') as region,
        sca.country is not null as has_sca
    from accounts
    left join {{ ref('visa_regions') }} as regions on accounts.country = regions.country
    left join {{ ref('sca_countries') }} as sca on accounts.country = sca.country
),

final as (
    select
        thresholds.*,
        account.country is null
        or case thresholds.region
            when 'all' then true
            when 'SCA' then account.has_sca
            when 'without SCA' then not account.has_sca
            else (' ' || thresholds.region || ' ') like ('% ' || account.region || ' %')
        end as applies
    from {{ ref('network_thresholds') }} as thresholds
    cross join account
)

select * from final
