"""LXD's JSON and YAML shapes, and nothing else: one file per resource, with the wire's exact field names."""
