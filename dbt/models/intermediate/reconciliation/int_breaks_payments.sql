-- Breaks within payments: objects against their movements of the balance.
with charges as (
    select * from {{ ref('int_charges') }}
),

refunds as (
    select * from {{ ref('int_refunds') }}
),

disputes as (
    select * from {{ ref('stg_stripe__disputes') }}
),

payouts as (
    select * from {{ ref('stg_stripe__payouts') }}
),

others as (
    select * from {{ ref('int_moving_objects') }}
),

ledger as (
    select * from {{ ref('int_ledger') }}
),

-- Stripe books a captured payment within the hour (`automatic_async`).
due as (
    select
        'charge' as object, id, currency, amount_captured as amount, balance_transaction_id,
        created_on as seen_on
    from charges
    where
        status = 'succeeded' and is_captured and amount_captured > 0
        and created_at <= {{ as_of() }} - interval 1 hour
    union all
    select
        'refund' as object, id, currency, -amount as amount, balance_transaction_id,
        {{ reporting_date('created_at') }} as seen_on
    from refunds
    where
        status = 'succeeded' and not is_release
        and created_at <= {{ as_of() }} - interval 1 hour
    union all
    select
        'payout' as object, id, currency, -amount as amount, balance_transaction_id,
        {{ reporting_date('created_at') }} as seen_on
    from payouts
    where status in ('paid', 'in_transit')
    union all
    select object, id, currency, amount, balance_transaction_id, seen_on
    from others
    where is_due
),

missing as (
    select
        'balance_transaction_missing' as kind,
        due.id as object_id,
        due.balance_transaction_id as related_object_id,
        due.currency,
        due.amount,
        due.seen_on,
        concat(
            'The ', replace(due.object, '_', ' '), case
                when due.balance_transaction_id is null then ' has no movement of the balance'
                else ' names a movement of the balance that was not found'
            end
        ) as detail
    from due
    left join ledger on due.balance_transaction_id = ledger.ledger_id
    where ledger.ledger_id is null
),

sources as (
    select id, 'charge' as object from charges
    union all
    select id, 'refund' as object from refunds
    union all
    select id, 'dispute' as object from disputes
    union all
    select id, 'payout' as object from payouts
    union all
    select id, object from others
    where object not in ('dispute', 'won_dispute', 'failed_refund')
),

-- A movement's source may be another object than the one that it belongs to: the failure of a debit
-- names a refund. The object itself names its movements.
named_movements as (
    select balance_transaction_id from {{ ref('int_named_movements') }}
),

pulled as (
    select distinct object from sources
),

expected_source as (
    select
        *,
        case
            when category in ('charge', 'charge_failure') then 'charge'
            when category in ('refund', 'refund_failure') then 'refund'
            when category in ('dispute', 'dispute_reversal') then 'dispute'
            when is_payout then 'payout'
            when category in ('transfer', 'transfer_reversal', 'topup') then category
            when category = 'platform_earning' then 'application_fee'
            when category = 'platform_earning_refund' then 'fee_refund'
        end as object
    from ledger
    -- Another account's payment that came in by transfer has its source elsewhere.
    where source_id is null or source_id not like 'py!_%' escape '!' or category <> 'refund'
),

orphans as (
    select
        'balance_transaction_orphan' as kind,
        expected_source.ledger_id as object_id,
        expected_source.source_id as related_object_id,
        expected_source.currency,
        expected_source.net as amount,
        expected_source.occurred_on as seen_on,
        concat(
            'A movement of category ', expected_source.category, ' whose ',
            replace(expected_source.object, '_', ' '), case
                when expected_source.source_id is null then ' is not named' else ' was not found'
            end
        ) as detail
    from expected_source
    -- A resource that the key cannot read is a fact of the coverage, not a break.
    inner join pulled on expected_source.object = pulled.object
    left join sources
        on
            expected_source.source_id = sources.id
            and expected_source.object = sources.object
    left join named_movements
        on expected_source.ledger_id = named_movements.balance_transaction_id
    where sources.id is null and named_movements.balance_transaction_id is null
),

uncaptured as (
    select refunds.charge_id, sum(refunds.amount) as amount, sum(ledger.amount) as settled_amount
    from refunds
    inner join ledger on refunds.balance_transaction_id = ledger.ledger_id
    where ledger.category = 'partial_capture_reversal'
    group by refunds.charge_id
),

settled as (
    select
        charges.id,
        charges.created_on,
        charges.amount_captured,
        charges.currency,
        charges.settlement_currency,
        charges.balance_transaction_id,
        charges.exchange_rate,
        charges.settled_amount + coalesce(uncaptured.settled_amount, 0) as settled_amount
    from charges
    left join uncaptured on charges.id = uncaptured.charge_id
    where charges.settled_amount is not null and charges.is_captured
),

compared as (
    select
        *,
        {{ expected_settlement(
            'amount_captured', 'currency', 'settlement_currency', 'exchange_rate'
        ) }} as expected_amount
    from settled
),

amount_mismatches as (
    select
        'charge_amount_mismatch' as kind,
        id as object_id,
        balance_transaction_id as related_object_id,
        settlement_currency as currency,
        cast(settled_amount - expected_amount as bigint) as amount,
        created_on as seen_on,
        'The movement of the balance has another amount than the charge' as detail
    from compared
    where
        case
            when currency = settlement_currency then settled_amount <> expected_amount
            else
                abs(settled_amount - expected_amount)
                > {{ settlement_tolerance('amount_captured', 'settled_amount') }}
        end
),

-- Charges and payouts are compared above and by their contents.
moved as (
    select object, id, currency, amount, balance_transaction_id, seen_on from others
    union all
    select
        'refund' as object, id, currency, -amount as amount, balance_transaction_id,
        {{ reporting_date('created_at') }} as seen_on
    from refunds
),

movement_mismatches as (
    select
        'movement_amount_mismatch' as kind,
        moved.id as object_id,
        moved.balance_transaction_id as related_object_id,
        moved.currency,
        ledger.amount - moved.amount as amount,
        moved.seen_on,
        concat(
            'The movement of the balance has another amount than the ',
            replace(moved.object, '_', ' ')
        ) as detail
    from moved
    inner join ledger
        on
            moved.balance_transaction_id = ledger.ledger_id
            -- What settles in another currency was converted.
            and moved.currency = ledger.currency
    where ledger.amount <> moved.amount
),

taken_back as (
    select transfer_id as id, sum(amount) as amount, max(created_at) as last_at
    from {{ ref('stg_stripe__transfer_reversals') }}
    group by transfer_id
    union all
    select application_fee_id as id, sum(amount) as amount, max(created_at) as last_at
    from {{ ref('stg_stripe__application_fee_refunds') }}
    group by application_fee_id
),

could_be_taken_back as (
    select 'transfer' as object, id, currency, amount, amount_reversed, created_at
    from {{ ref('stg_stripe__transfers') }}
    union all
    select
        'application fee' as object, id, currency, amount, amount_refunded as amount_reversed,
        created_at
    from {{ ref('stg_stripe__application_fees') }}
),

reversal_mismatches as (
    select
        'reversal_total_mismatch' as kind,
        could_be_taken_back.id as object_id,
        cast(null as varchar) as related_object_id,
        could_be_taken_back.currency,
        cast(
            could_be_taken_back.amount_reversed - coalesce(taken_back.amount, 0) as bigint
        ) as amount,
        {{ reporting_date('coalesce(taken_back.last_at, could_be_taken_back.created_at)') }}
            as seen_on,
        concat(
            'The ', could_be_taken_back.object, case
                when taken_back.amount > could_be_taken_back.amount
                    then ' was taken back for more than its amount'
                else ' states another amount taken back than its reversals add up to'
            end
        ) as detail
    from could_be_taken_back
    left join taken_back on could_be_taken_back.id = taken_back.id
    where
        could_be_taken_back.amount_reversed <> coalesce(taken_back.amount, 0)
        or taken_back.amount > could_be_taken_back.amount
),

refunded as (
    select charge_id, sum(amount) as amount, max({{ reporting_date('created_at') }}) as last_on
    from refunds
    where is_standing and not is_release
    group by charge_id
),

excessive_refunds as (
    select
        'refund_exceeds_charge' as kind,
        charges.id as object_id,
        cast(null as varchar) as related_object_id,
        charges.currency,
        cast(
            greatest(coalesce(refunded.amount, 0), charges.amount_refunded)
            - charges.amount_captured as bigint
        ) as amount,
        coalesce(refunded.last_on, charges.created_on) as seen_on,
        'More was refunded than was captured' as detail
    from charges
    left join refunded on charges.id = refunded.charge_id
    where
        charges.status = 'succeeded'
        and greatest(coalesce(refunded.amount, 0), charges.amount_refunded)
        > charges.amount_captured
),

final as (
    select * from missing
    union all
    select * from orphans
    union all
    select * from amount_mismatches
    union all
    select * from excessive_refunds
    union all
    select * from movement_mismatches
    union all
    select * from reversal_mismatches
)

select * from final
