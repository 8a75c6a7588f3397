"""Holdfast keeps system containers, and keeps them safe."""

__version__ = "0.1.0"
