"""What is wrong with a scene, and why a derivative is zero, in words.

    print(check_scene(rn))                        # seams, flipped faces, what is off screen, ...
    explain_derivative(rn, rn.v)                  # None, or why the image does not change with the vertices
"""
from .explanation import explain_derivative
from .findings import check_scene

__all__ = ["check_scene", "explain_derivative"]
