-- Which invoice line said what tax an item's price contains.
select
    rule.percentage,
    rule.line_id,
    lines.invoice_id,
    string_agg(distinct taxes.tax_rate_id, ', ' order by taxes.tax_rate_id) as tax_rate_ids
from intermediate.int_inclusive_tax as rule
left join staging.stg_stripe__invoice_lines as lines on rule.line_id = lines.id
left join staging.stg_stripe__invoice_line_taxes as taxes on rule.line_id = taxes.line_id
where rule.interval_id = $interval and rule.subscription_item_id = $item
group by all
