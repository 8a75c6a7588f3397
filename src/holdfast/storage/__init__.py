"""Pools and volumes: the drivers, and what all of them share. Knows nothing of instances or of the database."""
