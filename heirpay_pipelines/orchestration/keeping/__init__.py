"""What HEIRPAY_HOME keeps and for how long: the policy, its sizes, and what is let go."""
