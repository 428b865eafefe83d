{{ shipping_taxes('stg_stripe__invoices', 'invoice_id') }}
