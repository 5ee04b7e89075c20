"""Loops over pixels, faces and vertices, compiled by Numba."""
