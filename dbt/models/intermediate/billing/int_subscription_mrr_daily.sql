-- noqa: disable=LT02
-- MRR of each subscription at the end of each day on which it may have changed. A timeline that
-- breaks off is zero from there on.
{%- set measures = ['mrr_list', 'mrr', 'mrr_net_all', 'mrr_ending', 'mrr_estimated'] %}
with stretches as (
    select * from {{ ref('int_subscription_mrr') }}
),

starts as (
    select
        stretch_id,
        subscription_id,
        customer_id,
        currency,
        starts_at as happens_at,
        mrr_list,
        mrr,
        mrr_net_all,
        case when is_ending then mrr else 0 end as mrr_ending,
        case when basis = 'estimated' then mrr else 0 end as mrr_estimated
    from stretches
),

breaks as (
    select
        cast(null as varchar) as stretch_id,
        stretches.subscription_id,
        stretches.customer_id,
        stretches.currency,
        stretches.ends_at as happens_at
        {%- for measure in measures %},
        0 as {{ measure }}
        {%- endfor %}
    from stretches
    left join starts
        on
            stretches.subscription_id = starts.subscription_id
            and stretches.ends_at = starts.happens_at
    where stretches.ends_at is not null and starts.subscription_id is null
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
        stretch_id
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
