with transactions as (
    select id, created_at, fee_details from {{ ref('stg_stripe__balance_transactions') }}
    where fee <> 0
),

exploded as (
    select
        id as balance_transaction_id,
        created_at,
        {{ explode_array('fee_details') }} as detail
    from transactions
),

final as (
    select
        balance_transaction_id,
        created_at,
        detail.type as type,
        lower(detail.currency) as currency,
        detail.amount as amount,
        detail.application as application_id
    from exploded
    where detail.amount is not null
)

select * from final
