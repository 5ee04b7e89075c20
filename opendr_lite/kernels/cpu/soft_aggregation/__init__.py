"""Soft aggregation: every face counts at every pixel that it comes near, by a probability.

    sigmoids    how likely a face covers a pixel, from their distance
    unions      how likely any face does
    distances   the distances, and which pixels they reach
    surface     where on a face a pixel is, and how deep
    colors      what a face shows there
    mixing      how the faces of a pixel are mixed
    silhouettes, images    the loops: images, and products with their Jacobians
    fragments   pairs of pixel and face, of which Jacobians are written
"""
