"""How an alert reaches a person: one file a channel, each over an HTTP client that it is given."""
