-- The chart of accounts: the user's file before the project's seed, entry by entry.
with own as (
    select * from {{ source('landing', 'account_mapping') }}
),

final as (
    select entry, account, account_name, account_type from own
    union all
    select entry, account, account_name, account_type from {{ ref('account_mapping') }}
    where entry not in (select entry from own)
)

select * from final
