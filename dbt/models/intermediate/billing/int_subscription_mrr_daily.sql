-- noqa: disable=LT02
-- MRR of each subscription at the end of each day on which it may have changed. A timeline that
-- breaks off is zero from there on.
{%- set measures = ['mrr_list', 'mrr', 'mrr_net_all', 'mrr_ending', 'mrr_estimated'] %}
with intervals as (
    select * from {{ ref('int_subscription_mrr') }}
),

starts as (
    select
        interval_id,
        subscription_id,
        customer_id,
        currency,
        starts_at as happens_at,
        mrr_list,
        mrr,
        mrr_net_all,
        case when is_ending then mrr else 0 end as mrr_ending,
        case when basis = 'estimated' then mrr else 0 end as mrr_estimated
    from intervals
),

breaks as (
    select
        cast(null as varchar) as interval_id,
        intervals.subscription_id,
        intervals.customer_id,
        intervals.currency,
        intervals.ends_at as happens_at
        {%- for measure in measures %},
        0 as {{ measure }}
        {%- endfor %}
    from intervals
    left join starts
        on
            intervals.subscription_id = starts.subscription_id
            and intervals.ends_at = starts.happens_at
    where intervals.ends_at is not null and starts.subscription_id is null
),

points as (
    select * from starts
    union all
    select * from breaks
),

dated as (
    select
        *,
        {{ reporting_date('happens_at') }} as date,
        row_number() over (
            partition by subscription_id, {{ reporting_date('happens_at') }}
            order by happens_at desc
        ) as recency
    from points
    where happens_at <= {{ as_of() }}
),

final as (
    select
        subscription_id,
        customer_id,
        currency,
        date,
        interval_id
        {%- for measure in measures %},
        cast({{ measure }} as decimal(38, 12)) as {{ measure }},
        cast({{ measure }} - coalesce(lag({{ measure }}) over (
            partition by subscription_id order by date
        ), 0) as decimal(38, 12)) as {{ measure }}_change
        {%- endfor %},
        case when mrr > 0 then 1 else 0 end
        - coalesce(lag(case when mrr > 0 then 1 else 0 end) over (
            partition by subscription_id order by date
        ), 0) as live_change
    from dated
    where recency = 1
)

select * from final
