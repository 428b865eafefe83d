-- Attempts that belong to a burst of card testing: within ten minutes many cards that were never
-- seen before, nearly all declined. Looked at among all attempts of a currency and, so that the
-- everyday business of a large account hides nothing, among those of the same amount.
{%- set window = 'interval ' ~ var('card_testing_minutes', 10) ~ ' minute' %}
with attempts as (
    select
        *,
        min(created_at) over (partition by fingerprint) as card_seen_at,
        row_number() over (partition by fingerprint order by created_at, id) as use_of_card
    from {{ ref('int_charges') }}
    where payment_method_type = 'card' and fingerprint is not null
),

-- The ten minutes up to each attempt.
rolling as (
    select
        *,
        count(*) over in_currency as attempts_in_currency,
        sum(case when status = 'failed' then 1 else 0 end) over in_currency as failed_in_currency,
        sum(case when use_of_card = 1 then 1 else 0 end) over in_currency as new_in_currency,
        count(*) over same_amount as attempts_of_amount,
        sum(case when status = 'failed' then 1 else 0 end) over same_amount as failed_of_amount,
        sum(case when use_of_card = 1 then 1 else 0 end) over same_amount as new_of_amount
    from attempts
    window
        in_currency as (
            partition by currency order by created_at
            range between {{ window }} preceding and current row
        ),
        same_amount as (
            partition by currency, amount order by created_at
            range between {{ window }} preceding and current row
        )
),

rules as (
    select * from {{ ref('card_testing_rules') }}
),

flagged as (
    select
        rolling.*,
        rolling.attempts_in_currency >= rules.minimum_attempts
        and rolling.new_in_currency >= rules.minimum_new_cards
        and rolling.failed_in_currency * 100
        >= rolling.attempts_in_currency * rules.minimum_failed_percent as is_flagged_in_currency,
        rolling.attempts_of_amount >= rules.minimum_attempts
        and rolling.new_of_amount >= rules.minimum_new_cards
        and rolling.failed_of_amount * 100
        >= rolling.attempts_of_amount * rules.minimum_failed_percent as is_flagged_of_amount
    from rolling
    cross join rules
),

-- An attempt belongs to a burst that shows within the ten minutes after it.
followed as (
    select
        *,
        max(case when is_flagged_in_currency then 1 else 0 end) over (
            partition by currency order by created_at
            range between current row and {{ window }} following
        ) as is_before_currency_flag,
        max(case when is_flagged_of_amount then 1 else 0 end) over (
            partition by currency, amount order by created_at
            range between current row and {{ window }} following
        ) as is_before_amount_flag
    from flagged
),

members as (
    select
        *,
        case
            when
                created_at - {{ window }} <= lag(created_at) over (
                    partition by currency order by created_at, id
                )
                then 0
            else 1
        end as is_first
    from followed
    where
        greatest(is_before_currency_flag, is_before_amount_flag) = 1
        -- A customer's card of old is not being tested.
        and card_seen_at >= created_at - {{ window }}
),

numbered as (
    select
        *, sum(is_first) over (partition by currency order by created_at, id) as burst_number
    from members
),

final as (
    select
        id as charge_id,
        first_value(id) over (
            partition by currency, burst_number order by created_at, id
        ) as burst_id
    from numbered
)

select * from final
