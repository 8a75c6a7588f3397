"""What the system does, one module per noun. Plain blocking code, thread-safe, called from worker threads."""
