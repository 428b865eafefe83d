with fees as (
    select id, refunds from {{ ref('stg_stripe__application_fees') }}
),

exploded as (
    select id as application_fee_id, {{ explode_array('refunds') }} as refund from fees
),

final as (
    select
        refund.id as id,
        application_fee_id,
        {{ epoch('refund.created') }} as created_at,
        lower(refund.currency) as currency,
        refund.amount as amount,
        {{ json_id('refund.balance_transaction', '$') }} as balance_transaction_id
    from exploded
    where refund.id is not null
)

select * from final
