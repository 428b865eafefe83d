"""Pull: Stripe's API → raw JSON objects. Talks to Stripe and to nothing else."""
