"""HeirPay Pipelines: a Stripe account, pulled nightly, computed, checked, published, reported."""
