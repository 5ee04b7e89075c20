"""Soft aggregation: every face counts at every pixel that it comes near, by a probability.

    sigmoids    how likely a face covers a pixel, from their distance
    unions      how likely any face does
    distances   the distances, and which pixels they reach
    surface     where on a face a pixel is, and how deep
    colors      what a face shows there
    silhouettes, images    the loops
    blocks      what a pair of pixel and face adds to a Jacobian, and the matrices that are made of it
"""
