"""Steps of the schema, in order; `upgrade` runs those that are missing."""
