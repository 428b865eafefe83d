{{ shipping_taxes('stg_credit_notes', 'credit_note_id') }}
