-- Where more payments fail than usual: the seven days up to each day against the eight weeks
-- before, by method, brand, country and issuer. Both are counts of payments that fail or not; the
-- statistic is the chi-square of the two-by-two table (one degree of freedom), computed in whole
-- numbers. Attempts of card testing are in no rate, but counted beside it: a burst is a finding of
-- its own. Only the first attempt of a payment counts: retries of a declined card say nothing new,
-- and what Radar blocked was never put to the issuer.
{%- set dimensions = ['payment_method_type', 'brand', 'country', 'issuer'] %}
with attempts as (
    select
        charges.*,
        testing.charge_id is not null as is_card_testing,
        row_number() over (
            partition by coalesce(charges.payment_intent_id, charges.id)
            order by charges.created_at, charges.id
        ) as number
    from {{ ref('int_charges') }} as charges
    left join {{ ref('int_card_testing') }} as testing on charges.id = testing.charge_id
    where
        charges.status in ('succeeded', 'failed')
        and coalesce(charges.outcome_type, '') <> 'blocked'
),

daily as (
    {%- for dimension in dimensions %}
    select
        '{{ dimension }}' as dimension,
        {{ dimension }} as value,
        created_on as date,
        count(case when not is_card_testing then 1 end) as attempts,
        count(case when status = 'failed' and not is_card_testing then 1 end) as failures,
        count(case when status = 'failed' and is_card_testing then 1 end) as tested
    from attempts
    where number = 1 and {{ dimension }} is not null
    group by {{ dimension }}, created_on
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

rolling as (
    select
        dimension,
        value,
        date,
        cast(sum(attempts) over this_week as decimal(38, 0)) as attempts,
        cast(sum(failures) over this_week as decimal(38, 0)) as failures,
        cast(sum(tested) over this_week as decimal(38, 0)) as tested,
        cast(coalesce(sum(attempts) over weeks_before, 0) as decimal(38, 0)) as attempts_before,
        cast(coalesce(sum(failures) over weeks_before, 0) as decimal(38, 0)) as failures_before
    from daily
    window
        this_week as (
            partition by dimension, value order by date
            range between interval 6 day preceding and current row
        ),
        weeks_before as (
            partition by dimension, value order by date
            range between interval 62 day preceding and interval 7 day preceding
        )
),

-- n, f: payments and failures of the week; m, g: of the weeks before. Chi-square is
-- (f·m − g·n)² · (n + m) ÷ (n · m · (f + g) · (n + m − f − g)).
compared as (
    select
        rolling.*,
        (failures * attempts_before - failures_before * attempts)
        * (failures * attempts_before - failures_before * attempts)
        * (attempts + attempts_before) as numerator,
        attempts * attempts_before * (failures + failures_before)
        * (attempts + attempts_before - failures - failures_before) as denominator,
        rules.minimum_lift,
        rules.chi_square
    from rolling
    inner join {{ ref('anomaly_rules') }} as rules on rolling.dimension = rules.dimension
    where
        rolling.attempts >= rules.minimum_attempts
        and rolling.failures >= rules.minimum_failures
        and rolling.attempts_before >= rules.minimum_baseline
),

judged as (
    select
        *,
        cast({{ divide('numerator', 'denominator', 3, 0) }} as decimal(24, 3)) as statistic
    from compared
    where failures * attempts_before >= minimum_lift * failures_before * attempts
),

final as (
    select
        dimension,
        value,
        date,
        cast(attempts as bigint) as attempts,
        cast(failures as bigint) as failures,
        cast(tested as bigint) as card_testing_failures,
        cast(attempts_before as bigint) as attempts_before,
        cast(failures_before as bigint) as failures_before,
        {{ rate('failures', 'attempts', 0, 0) }} as failure_rate,
        {{ rate('failures_before', 'attempts_before', 0, 0) }} as usual_rate,
        {{ rate('failures_before * attempts', 'attempts_before', 0, 0) }} as expected_failures,
        statistic as chi_square,
        chi_square as chi_square_limit
    from judged
    where statistic >= chi_square
)

select * from final
