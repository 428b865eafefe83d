-- What Stripe lists for an automatic payout. The payout's own transaction may be among them.
with landed as (
    {{ newest('payout_composition') }}
),

parsed as (
    select
        id as payout_id,
        {{ parse_json('payload', {'balance_transactions': ['varchar']}) }} as payload
    from landed
),

final as (
    select distinct
        payout_id,
        {{ explode_array('payload.balance_transactions') }} as balance_transaction_id
    from parsed
)

select * from final
