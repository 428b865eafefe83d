"""Write, audit, publish: a checked build database becomes the published warehouse by rename."""
