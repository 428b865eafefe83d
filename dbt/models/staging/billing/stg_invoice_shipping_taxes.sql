{{ shipping_taxes('stg_invoices', 'invoice_id') }}
