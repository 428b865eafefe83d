"""Where payment data comes from: what every gateway has in common, and a folder for each."""
