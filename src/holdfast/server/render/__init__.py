"""From what the services return to wire shapes: one module per resource, all pure."""
