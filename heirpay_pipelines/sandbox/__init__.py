"""The embedded Stripe account: a seeded company, served over HTTP in Stripe's wire format."""

SANDBOX_KEY = "rk_test_heirpay_sandbox"
ACCOUNT_ID = "acct_1HeirPaySandbox0"
