"""HTTP: listeners, who is asking, routes, uploads, downloads, websockets. Knows services and wire shapes only."""
