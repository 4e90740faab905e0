"""The target of a batch in NumPy, written from section 8.9 of proto/PROTOCOL.md alone."""

import numpy as np


def one_hot(label, classes, smoothing):
    """A smoothed one-hot in binary32: its two values are rounded once, from binary64."""
    row = np.full(classes, np.float32(smoothing / classes))
    row[label] = np.float32(1 - smoothing + smoothing / classes)
    return row


def target_row(sample, classes, smoothing):
    """A sample's own target, before mixing."""
    if sample.numbers is not None:
        return np.array(sample.numbers, np.float32)
    if sample.classes is None:
        return one_hot(sample.label, classes, smoothing)
    row = np.zeros(classes, np.float32)
    row[list(sample.classes)] = 1
    return row


def targets(recipe, listing, indices, partner_indices, lambda_):
    """f4 [count, classes]; NumPy rounds every operation of binary32 by itself."""
    rows = []
    for index, partner, share in zip(indices, partner_indices, lambda_):
        own, other = (
            target_row(listing[int(i)], len(listing.classes), recipe.smoothing)
            for i in (index, partner)
        )
        rows.append(share * own + (np.float32(1) - share) * other)
    return np.stack(rows)
