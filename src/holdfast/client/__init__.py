"""A typed, blocking client of the API: for the command line, for copies between servers, for users' scripts.

Start with `holdfast.client.client.Client`. Importing this package costs nothing; parts load what they need.
"""
