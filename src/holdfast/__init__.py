"""Holdfast keeps system containers and virtual machines, and keeps them safe."""

__version__ = "0.1.0"
