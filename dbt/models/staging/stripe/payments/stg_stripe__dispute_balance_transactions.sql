-- One dispute moves the balance several times: withdrawn, fee, reinstated.
with disputes as (
    select id, balance_transactions from {{ ref('stg_stripe__disputes') }}
),

exploded as (
    select
        id as dispute_id,
        {{ explode_array('balance_transactions') }} as movement
    from disputes
),

final as (
    select
        dispute_id,
        movement.id as balance_transaction_id,
        {{ epoch('movement.created') }} as created_at,
        lower(movement.currency) as currency,
        movement.reporting_category as reporting_category,
        movement.amount as amount,
        movement.fee as fee,
        movement.net as net
    from exploded
    where movement.id is not null
)

select * from final
