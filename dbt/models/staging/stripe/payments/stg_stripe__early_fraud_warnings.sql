with landed as (
    {{ newest('radar.early_fraud_warning') }}
),

final as (
    select
        id,
        created as created_at,
        {{ json_id('payload', '$.charge') }} as charge_id,
        {{ json_id('payload', '$.payment_intent') }} as payment_intent_id,
        {{ json_text('payload', '$.fraud_type') }} as fraud_type,
        coalesce({{ json_bool('payload', '$.actionable') }}, false) as is_actionable
    from landed
)

select * from final
