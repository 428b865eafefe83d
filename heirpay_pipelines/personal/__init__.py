"""Personal data: where it stands in Stripe's objects, and how it is taken out of them."""
