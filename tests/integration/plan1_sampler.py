"""Plan 1's samples, section 8.3 of proto/PROTOCOL.md: which one stands at a place of an epoch."""

import bisect
import itertools
import math

from plan1_draws import SHUFFLE, SUBSET, WEIGHTED, Permutation, below64, words


def _weight(sample):
    return 1.0 if sample.weight is None else sample.weight


class Sampler:
    """The pool of a stream and the law that its samples are drawn by."""

    def __init__(self, recipe, samples):
        self.recipe = recipe
        self.pool = range(round(recipe.subset * len(samples)))
        if recipe.subset < 1:
            permute = Permutation(recipe.seed, 0, SUBSET, 0, len(samples))
            self.pool = [permute(j) for j in self.pool]
        self.epoch_samples = len(self.pool)
        if recipe.sampler != "all" and recipe.epoch_samples > 0:
            self.epoch_samples = recipe.epoch_samples
        if recipe.sampler == "weighted":
            self.sums = self._sums([_weight(samples[index]) for index in self.pool])
        if recipe.sampler == "balanced":
            members = {}
            for j, index in enumerate(self.pool):
                members.setdefault(samples[index].label, []).append(j)
            self.members = [members[label] for label in sorted(members)]

    @staticmethod
    def _sums(weights):
        largest = max(weights)
        units = [math.floor(weight / largest * 2**32 + 0.5) for weight in weights]
        units = [max(count, weight > 0) for count, weight in zip(units, weights)]
        return list(itertools.accumulate(units))

    def draw(self, w0, w1, w2, w3):
        """The law, of any four words."""
        if self.recipe.sampler == "weighted":
            j = bisect.bisect_right(self.sums, below64(w0, w1, self.sums[-1]))
        elif self.recipe.sampler == "balanced":
            members = self.members[below64(w0, w1, len(self.members))]
            j = members[below64(w2, w3, len(members))]
        else:
            j = below64(w0, w1, len(self.pool))
        return self.pool[j]

    def epoch(self, epoch):
        """A function from a place of an epoch to its sample."""
        seed = self.recipe.seed
        if self.recipe.sampler != "all":
            return lambda q: self.draw(*words(seed, epoch, WEIGHTED, q, 0))
        if self.recipe.order == "sequential":
            return lambda q: self.pool[q]
        shuffle = Permutation(seed, epoch, SHUFFLE, 0, len(self.pool))
        return lambda q: self.pool[shuffle(q)]
