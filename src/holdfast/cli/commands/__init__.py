"""One module for each command or noun; loaded only when it is called."""
