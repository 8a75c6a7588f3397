"""Tables and queries. SQL is written here only; rows never leave: every function speaks in domain objects."""
