"""What runs an instance. Knows nothing of storage or of the database: paths and plain data come in."""
