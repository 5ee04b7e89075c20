"""Slow twins of the pixel kernels: the two linear maps as dense arrays, entry by entry."""
import numpy as np


def interpolation_matrix(taps, weights, scale, points):
    """y[p, c] = scale[p, c] sum_k weights[p, k] x[taps[p, k], c] as a matrix (N C, points C)."""
    count, channels = scale.shape
    matrix = np.zeros((count, channels, points, channels))
    for p in range(count):
        for k in range(taps.shape[1] if taps[p, 0] >= 0 else 0):
            for c in range(channels):
                matrix[p, c, taps[p, k], c] += scale[p, c] * weights[p, k]
    return matrix.reshape(count * channels, points * channels)


def motion_matrix(taps, weights, gain, points):
    """y[p, c] = sum_d gain[p, c, d] sum_k weights[p, k] x[taps[p, k], d] as a matrix (N C, points D)."""
    count, channels, dimensions = gain.shape
    matrix = np.zeros((count, channels, points, dimensions))
    for p in range(count):
        for k in range(taps.shape[1] if taps[p, 0] >= 0 else 0):
            for c in range(channels):
                for d in range(dimensions):
                    matrix[p, c, taps[p, k], d] += gain[p, c, d] * weights[p, k]
    return matrix.reshape(count * channels, points * dimensions)
