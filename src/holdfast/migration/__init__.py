"""Between two servers: LXD's migration protocol over websockets, whoever connected them."""
