{{ config(schema='operations') }}
-- What was opened by the as-of instant; what was resolved after it is still open in that night.
with incidents as (
    select * from {{ source('state', 'incidents') }}
),

final as (
    select
        incident_id,
        incident_key,
        cast(occurrence as bigint) as occurrence,
        identifier,
        section,
        pattern,
        symptom,
        subject,
        role,
        cast(strike as bigint) as strike,
        case
            when status = 'resolved' and {{ instant('resolved_at') }} > {{ as_of() }}
                then case when escalated_at is null then 'open' else 'escalated' end
            else status
        end as status,
        trigger_name,
        cast(failures as bigint) as failures,
        {{ instant('opened_at') }} as opened_at,
        {{ instant('last_seen_at') }} as last_seen_at,
        {{ instant('escalated_at') }} as escalated_at,
        {{ instant('acknowledged_at') }} as acknowledged_at,
        acknowledged_by,
        case
            when {{ instant('resolved_at') }} <= {{ as_of() }} then {{ instant('resolved_at') }}
        end as resolved_at,
        resolution,
        learned,
        cast(financial_impact as decimal(24, 3)) as financial_impact,
        currency,
        compliance_risk,
        urgency,
        detail,
        attempted_solutions,
        recommendations
    from incidents
    where {{ instant('opened_at') }} <= {{ as_of() }}
)

select * from final
