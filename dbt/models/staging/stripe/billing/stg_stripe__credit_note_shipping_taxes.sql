{{ shipping_taxes('stg_stripe__credit_notes', 'credit_note_id') }}
