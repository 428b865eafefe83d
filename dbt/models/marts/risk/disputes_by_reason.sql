-- Disputes by the month in which they were opened, reason and currency: deadlines, win rate.
with disputes as (
    select *, {{ month_of('opened_on') }} as month from {{ ref('disputes') }}
),

final as (
    select
        month,
        reason,
        currency,
        count(*) as disputes,
        cast(sum(amount) as decimal(24, 3)) as amount,
        count(case when outcome = 'inquiry' then 1 end) as inquiries,
        count(case when outcome = 'open' then 1 end) as open,
        count(case when days_to_deadline is not null then 1 end) as to_answer,
        count(case when days_to_deadline < 0 then 1 end) as overdue,
        min(case when days_to_deadline >= 0 then evidence_due_on end) as next_evidence_due_on,
        count(case when outcome = 'won' then 1 end) as won,
        count(case when outcome = 'lost' then 1 end) as lost,
        count(case when outcome = 'lost' and not has_evidence then 1 end) as lost_unanswered,
        cast(sum(case when outcome = 'won' then amount else 0 end) as decimal(24, 3))
            as amount_won,
        cast(sum(case when outcome = 'lost' then amount else 0 end) as decimal(24, 3))
            as amount_lost,
        {{ rate(
            "count(case when outcome = 'won' then 1 end)",
            "count(case when outcome in ('won', 'lost') then 1 end)", 0, 0
        ) }} as win_rate
    from disputes
    group by month, reason, currency
)

select * from final
