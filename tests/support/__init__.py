"""What several test folders share: real servers to start, trees to make and compare."""
