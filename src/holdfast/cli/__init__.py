"""The `holdfast` command: says the same words as `lxc`, and knows only the client."""
