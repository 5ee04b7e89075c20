"""Adam, momentum and steepest descent as their papers have them, entry by entry."""
import math


def sgd(gradient, x, step, factors):
    """The states after each step, lists of floats."""
    states = [list(x)]
    for factor in factors:
        g = gradient(states[-1])
        states.append([a - factor * step * b for a, b in zip(states[-1], g)])
    return states


def momentum(gradient, x, step, factors, decay):
    states, m = [list(x)], [0.0] * len(x)
    for factor in factors:
        g = gradient(states[-1])
        m = [decay * a + b for a, b in zip(m, g)]
        states.append([a - factor * step * b for a, b in zip(states[-1], m)])
    return states


def adam(gradient, x, step, factors, betas, eps, groups=()):
    """`groups`: lists of entries that have the largest second moment among them in common."""
    states, m, v = [list(x)], [0.0] * len(x), [0.0] * len(x)
    for k, factor in enumerate(factors, start=1):
        g = gradient(states[-1])
        m = [betas[0] * a + (1.0 - betas[0]) * b for a, b in zip(m, g)]
        v = [betas[1] * a + (1.0 - betas[1]) * b * b for a, b in zip(v, g)]
        unbiased = [b / (1.0 - betas[1] ** k) for b in v]
        for group in groups:
            largest = max(unbiased[i] for i in group)
            for i in group:
                unbiased[i] = largest
        states.append([x - factor * step * a / (1.0 - betas[0] ** k) / (math.sqrt(b) + eps)
                       for x, a, b in zip(states[-1], m, unbiased)])
    return states
