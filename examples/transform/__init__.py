"""Batch Transform: a model is run over a file, without an endpoint."""
