with landed as (
    {{ newest('review') }}
),

final as (
    select
        id,
        created as created_at,
        {{ json_id('payload', '$.charge') }} as charge_id,
        {{ json_id('payload', '$.payment_intent') }} as payment_intent_id,
        coalesce({{ json_bool('payload', '$.open') }}, false) as is_open,
        {{ json_text('payload', '$.opened_reason') }} as opened_reason,
        {{ json_text('payload', '$.closed_reason') }} as closed_reason,
        {{ json_text('payload', '$.reason') }} as reason
    from landed
)

select * from final
