"""The loss of mixed batches: fastai's formula, for every kind of criterion."""

import functools

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from stoker.torch import MixLoss, Target, soft_labels  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

COUNT, CLASSES = 32, 10


@pytest.fixture
def batch():
    """Logits, and a target whose last four samples are not mixed."""
    torch.manual_seed(3)
    lam = torch.rand(COUNT)
    lam[-4:] = 1
    labels = torch.randint(0, CLASSES, (2, COUNT))
    return 3 * torch.randn(COUNT, CLASSES), Target(labels[0], labels[1], lam)


def fastai_mixup_loss(logits, label, partner_label, lam):
    """fastai's MixUp: the unreduced losses of both labels, lerped by lambda, and their mean."""
    unreduced = nn.CrossEntropyLoss(reduction="none")
    return torch.lerp(unreduced(logits, partner_label), unreduced(logits, label), lam).mean()


class Returning(nn.Module):
    """A loss that knows no reductions."""

    def __init__(self, reduce):
        super().__init__()
        self.reduce = reduce

    def forward(self, logits, label):
        return self.reduce(functional.cross_entropy(logits, label, reduction="none"))


@pytest.mark.parametrize(
    "criterion",
    [
        nn.CrossEntropyLoss(),
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(reduction="none"),
        functional.cross_entropy,
        functools.partial(functional.cross_entropy, reduction="sum"),
        Returning(lambda losses: losses),
        Returning(lambda losses: torch.stack([losses, losses], 1)),
        lambda logits, label: functional.cross_entropy(logits, label, reduction="none"),
    ],
)
def test_it_is_fastais_whatever_the_criterion_is(batch, criterion):
    logits, target = batch
    expected = fastai_mixup_loss(logits, *target[:3])
    assert abs(MixLoss(criterion)(logits, target) - expected) <= 1e-6


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_the_loss_of_the_soft_label(batch, smoothing):
    logits, target = batch
    soft = soft_labels(target, CLASSES, smoothing)
    expected = -(soft * logits.log_softmax(1)).sum(1).mean()
    loss = MixLoss(nn.CrossEntropyLoss(label_smoothing=smoothing))(logits, target)
    assert abs(loss - expected) <= 2e-6


def test_gradients_are_fastais(batch):
    logits, target = batch
    grads = []
    for loss in (MixLoss(nn.CrossEntropyLoss()), lambda x, y: fastai_mixup_loss(x, *y[:3])):
        leaf = logits.clone().requires_grad_()
        loss(leaf, target).backward()
        grads.append(leaf.grad)
    torch.testing.assert_close(*grads, rtol=1e-6, atol=1e-7)


def test_slots_that_do_not_count_are_left_out(batch):
    logits, target = batch
    valid = torch.arange(COUNT) < 20
    loss = MixLoss(nn.CrossEntropyLoss())
    kept = Target(*(each[:20] for each in target[:3]))
    masked = target._replace(valid=valid)
    assert abs(loss(logits, masked) - loss(logits[:20], kept)) <= 1e-6
    assert loss(logits, target._replace(valid=valid & False)) == 0
    unmixed = Target(target.label, valid=valid)
    expected = functional.cross_entropy(logits[:20], target.label[:20])
    assert abs(loss(logits, unmixed) - expected) <= 1e-6


def test_reductions_are_of_the_samples(batch):
    logits, target = batch
    each = MixLoss(nn.CrossEntropyLoss(), reduction="none")(logits, target)
    assert each.shape == (COUNT,)
    total = MixLoss(nn.CrossEntropyLoss(), reduction="sum")(logits, target)
    torch.testing.assert_close(total, each.sum())
    with pytest.raises(ValueError, match="'median' is none of"):
        MixLoss(nn.CrossEntropyLoss(), reduction="median")


def test_the_criterion_keeps_its_reduction_even_behind_an_error(batch):
    logits, target = batch
    criterion = nn.CrossEntropyLoss(reduction="sum")
    loss = MixLoss(criterion)
    loss(logits, target)
    with pytest.raises(IndexError):
        loss(logits, target._replace(label=target.label + CLASSES))
    assert criterion.reduction == "sum"


def test_plain_labels_go_to_the_criterion(batch):
    logits, target = batch
    criterion = nn.CrossEntropyLoss(torch.rand(CLASSES))
    assert MixLoss(criterion)(logits, target.label) == criterion(logits, target.label)


def test_a_criterion_without_a_loss_a_sample_is_refused_with_what_it_needs(batch):
    loss = MixLoss(Returning(torch.mean))
    with pytest.raises(TypeError, match="one loss for the batch, and mixing needs one for each"):
        loss(*batch)


def test_it_is_a_module_with_the_criterions_parameters():
    criterion = Returning(torch.mean)
    criterion.temperature = nn.Parameter(torch.ones(()))
    assert [name for name, _ in MixLoss(criterion).named_parameters()] == ["criterion.temperature"]


def test_dense_labels_are_soft_already():
    with pytest.raises(TypeError, match="these are dense already"):
        soft_labels(Target(torch.rand(4, 3)), 3)
