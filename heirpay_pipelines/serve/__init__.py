"""What programs may ask: the published figures over MCP, read-only."""
