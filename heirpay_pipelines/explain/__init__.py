"""Where a published figure comes from: the rows and rules behind it, down to Stripe's ids."""
