"""The fastai part: a Learner with StokerMix trains as fastai's MixUp would on the same batches."""

import pytest
from plan1 import Recipe
from stokerd import SLOW, stream_text

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import fake_fastai  # noqa: E402

try:
    import fastai.learner as learner
    from fastai.losses import CrossEntropyLossFlat

    fake = None
except ImportError:
    fake_fastai.install()
    fake = learner = fake_fastai
    CrossEntropyLossFlat = fake_fastai.CrossEntropyLossFlat
import stoker.torch  # noqa: E402
from stoker.fastai import StokerMix, StreamDL, dataloaders  # noqa: E402
from torch import nn  # noqa: E402

MIXED = Recipe(batch=4, height=16, width=16, mix="mixup")
PLAIN = Recipe(batch=4, height=16, width=16)
VALID = Recipe(
    batch=4,
    height=16,
    width=16,
    order="sequential",
    last="mask",
    transform=("resize", "center_crop"),
)
TIMEOUT = 20 * SLOW


@pytest.fixture
def serve(daemon, small):
    """Start a daemon of a train and a valid stream; the endpoint."""

    def make(train=MIXED):
        texts = stream_text("train", small, train) + stream_text("valid", small, VALID)
        return daemon(texts).endpoint

    return make


@pytest.fixture
def load(serve):
    """DataLoaders of both streams."""
    made = []

    def make(train=MIXED, **options):
        endpoint = serve(train)
        urls = f"{endpoint}/train", f"{endpoint}/valid"
        made.append(dataloaders(*urls, device=torch.device("cpu"), timeout=TIMEOUT, **options))
        return made[-1]

    yield make
    for each in made:
        each.train.close()
        each.valid.close()


def make_model():
    torch.manual_seed(5)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    )


def fastais_training(url, epochs):
    """What fastai's MixUp trains of the same batches, with lambda and the permutation given."""
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    unreduced = nn.CrossEntropyLoss(reduction="none")
    with stoker.torch.Loader(url, normalize=stoker.torch.Normalize(), timeout=TIMEOUT) as loader:
        for _ in range(epochs):
            for images, (label, partner_label, lam, _) in loader:
                pred = model(images)
                loss = torch.lerp(unreduced(pred, partner_label), unreduced(pred, label), lam)
                loss.mean().backward()
                optimizer.step()
                optimizer.zero_grad()
    return model


needs_fake = pytest.mark.skipif(fake is None, reason="fastai itself is installed")


@needs_fake
def test_a_learner_trains_what_mixup_would_have_trained(load):
    dls = load()
    model = make_model()
    loss_func = CrossEntropyLossFlat()
    learn = learner.Learner(dls, model, loss_func=loss_func, cbs=[StokerMix()])
    learn.fit(2)
    assert learn.loss_func is loss_func and loss_func.reduction == "mean"
    url = f"{dls.train._again['url']}"
    for one, other in zip(model.parameters(), fastais_training(url, 2).parameters()):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@needs_fake
def test_validation_is_the_loss_function_alone(load):
    dls = load()
    model = make_model()
    learn = learner.Learner(dls, model, loss_func=CrossEntropyLossFlat(), cbs=[StokerMix()])
    learn.fit(1)
    model.eval()
    expected = [float(nn.CrossEntropyLoss()(model(x), y)) for x, y in dls.valid]
    assert learn.valid_losses == pytest.approx(expected)


@needs_fake
def test_a_loss_of_distributions_is_given_the_mixed_label(load):
    dls = load()
    seen = []

    def loss_func(pred, target):
        seen.append(target)
        return nn.functional.cross_entropy(pred, target)

    learner.Learner(dls, make_model(), loss_func=loss_func, cbs=[StokerMix()]).fit(1)
    with stoker.torch.Loader(dls.train._again["url"], target="soft", timeout=TIMEOUT) as loader:
        expected = [target for _, target in loader]
    assert all(torch.equal(*pair) for pair in zip(seen[: len(expected)], expected))
    assert seen[len(expected)].dtype == torch.int64


def test_batches_that_are_not_mixed_are_left_alone(load):
    dls = load(PLAIN)
    loss_func = CrossEntropyLossFlat()
    learner.Learner(dls, make_model(), loss_func=loss_func, cbs=[StokerMix()]).fit(1)
    assert len(next(iter(dls.train))) == 2


@needs_fake
def test_a_training_that_is_cancelled_gives_the_loss_back(load):
    class Cancel(fake_fastai.Callback):
        def before_batch(self):
            raise fake_fastai.CancelFitException

    loss_func = CrossEntropyLossFlat()
    cbs = [StokerMix(), Cancel()]
    learn = learner.Learner(load(), make_model(), loss_func=loss_func, cbs=cbs)
    with pytest.raises(fake_fastai.CancelFitException):
        learn.fit(1)
    assert learn.loss_func is loss_func


def test_predictions_are_of_every_sample_once_and_in_order(load):
    dls = load()
    learn = learner.Learner(dls, make_model(), loss_func=CrossEntropyLossFlat(), cbs=[StokerMix()])
    first, second = learn.get_preds(), learn.get_preds()
    assert len(first[0]) == 21 and first[1].tolist() == sorted(first[1].tolist())
    assert all(torch.equal(*pair) for pair in zip(first, second))


@needs_fake
def test_predictions_of_a_mixed_stream_are_of_unmixed_pictures(load):
    dls = load()
    learn = learner.Learner(dls, make_model(), loss_func=CrossEntropyLossFlat(), cbs=[StokerMix()])
    preds, labels = learn.get_preds(ds_idx=0)
    url = dls.train._again["url"]
    with stoker.torch.Loader(url, unmixed="own", target="label", timeout=TIMEOUT) as loader:
        expected = torch.cat([label for _, label in loader])
    assert torch.equal(labels, expected) and len(preds) == 20


@needs_fake
def test_show_batch_and_show_results_title_pictures(load):
    dls = load(vocab=["ant", "bee", "cat"])
    learn = learner.Learner(dls, make_model(), loss_func=CrossEntropyLossFlat(), cbs=[StokerMix()])
    fake_fastai.shown.clear()
    dls.show_batch(max_n=4)
    learn.show_results()
    ((mixed,), options), ((plain,), results) = fake_fastai.shown
    assert len(mixed) == 4 and mixed[0].shape == (3, 16, 16)
    assert all(0 <= picture.min() and picture.max() <= 1 for picture in mixed)
    assert all(title.split()[0] in dls.vocab for title in options["titles"])
    assert any(len(title.split()) == 4 for title in options["titles"])
    assert all(set(title.split("\n")) <= set(dls.vocab) for title in results["titles"])


def test_the_vocabulary_is_the_daemons_unless_given(load):
    assert load().vocab == [f"class{i}" for i in range(3)]
    numbers = load(
        Recipe(batch=4, height=16, width=16, labels="dense"), vocab=["ant", "bee", "cat"]
    )
    assert numbers.train.new().vocab == numbers.vocab == ["ant", "bee", "cat"]


def test_a_look_takes_no_batch_from_the_training(load):
    dls = load()
    looked = dls.train.one_batch()
    assert all(torch.equal(*pair) for pair in zip(looked, next(iter(dls.train))))


def test_slots_that_fill_a_batch_are_taken_out(load):
    valid = load().valid
    assert [len(x) for x, _ in valid] == [4, 4, 4, 4, 4, 1]
    with StreamDL(valid._again["url"], fixed=True, timeout=TIMEOUT, rank=1, world=4).loader as one:
        assert len(one) == 2


def test_a_dense_stream_trains_with_its_own_target(load):
    x, y = next(iter(load(Recipe(batch=4, height=16, width=16, mix="mixup", labels="dense")).train))
    assert x.dtype == torch.float32 and y.shape == (4, 3)
