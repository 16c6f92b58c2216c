from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.data import Images, make_split
from workbench.errors import DataError


def images(labels: Any, groups: Any = None, split: Any = None) -> Images:
    labels = np.asarray(labels)
    return Images(
        name="made",
        location="made",
        folder=Path(),
        fingerprint="f",
        pixels=np.empty((len(labels), 1, 1, 1), np.uint8),
        labels=labels,
        class_names=tuple("abcdefgh"[: labels.max() + 1]),
        groups=None if groups is None else np.asarray(groups),
        split=None if split is None else np.asarray(split),
        names=(),
        skipped=(("x.txt", "no image"),),
    )


sizes = st.lists(st.integers(5, 60), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(sizes=sizes, seed=st.integers(0, 99))
def test_every_image_is_on_one_side_and_every_class_on_each_as_60_20_20(sizes: list[int], seed: int) -> None:
    made = images(np.repeat(np.arange(len(sizes)), sizes))
    split = make_split(made, seed)
    assert sorted(split.order) == list(range(sum(sizes)))
    for part, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        counts = np.bincount(made.labels[getattr(split, part)], minlength=len(sizes))
        assert (abs(counts - share * np.array(sizes)) <= 2).all()
        assert counts.min() >= 1


@settings(max_examples=30, deadline=None)
@given(data=st.data(), seed=st.integers(0, 99))
def test_images_of_a_group_stay_together(data: st.DataObject, seed: int) -> None:
    of_group = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 6)), min_size=30, max_size=60))
    assume(min(sum(label == k for label, _ in of_group) for k in (0, 1)) >= 8)
    labels = [label for label, n in of_group for _ in range(n)]
    groups = [g for g, (_, n) in enumerate(of_group) for _ in range(n)]
    made = images(labels, groups)
    split = make_split(made, seed)
    sides = [set(made.groups[getattr(split, part)]) for part in ("train", "val", "test")]  # type: ignore[index]
    assert sum(map(len, sides)) == len(set(groups))
    assert sorted(split.order) == list(range(len(labels)))


def test_the_hash_tells_equal_splits_from_others() -> None:
    made = images(np.arange(100) % 4)
    assert make_split(made, 1).hash == make_split(made, 1).hash
    assert make_split(made, 1).hash != make_split(made, 2).hash


def test_every_beginning_of_the_training_part_is_a_stratified_sample() -> None:
    made = images(np.repeat([0, 1, 2], [600, 300, 100]))
    train = make_split(made, 3).train
    for part in (20, 75, 150, 300):
        counts = np.bincount(made.labels[train[:part]], minlength=3)
        assert abs(counts - part * np.array([0.6, 0.3, 0.1])).max() < 2
    assert (np.diff(train[:50]) < 0).any()  # in no order of the source


def test_an_official_split_is_kept_and_what_it_lacks_comes_from_training() -> None:
    parts = np.repeat(["train", "test"], [80, 20])
    split = make_split(images(np.arange(100) % 2, split=parts), 0)
    assert split.official
    assert split.test.tolist() == list(range(80, 100))
    assert (len(split.train), len(split.val)) == (64, 16)
    parts = np.repeat(["train", "val"], [80, 20])
    split = make_split(images(np.arange(100) % 2, split=parts), 0)
    assert not split.official
    assert sorted(split.val.tolist()) == list(range(80, 100))
    assert (len(split.train), len(split.test)) == (64, 16)
    parts = np.repeat(["train", "val", "test"], [60, 20, 20])
    split = make_split(images(np.arange(100) % 2, split=parts), 0)
    assert sorted(split.train) == list(range(60))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (images([0] * 20), "fewer than two classes with images: a"),
        (images([0] * 20 + [1] * 3), r"class 'b' is too small to split: it has 3 images .* 5 .*--exclude b"),
        (images([0] * 20 + [1] * 20, [*range(20), *[99] * 20]), r"class 'b' is too small to split: it has 1 group "),
        (images([0, 1] * 20, split=["train"] * 39 + ["test"]), r"class 'a' has no image in the test part"),
        (images([0, 1] * 20, split=["test"] * 40), "has no training images"),
        (
            images([0, 1] * 20, groups=[7] * 40, split=["train"] * 20 + ["val"] * 10 + ["test"] * 10),
            r"1 group\(s\) on both sides, train and val",
        ),
    ],
)
def test_what_cannot_be_split_is_named(made: Images, said: str) -> None:
    with pytest.raises(DataError, match=said) as error:
        make_split(made, 0)
    assert error.value.skipped == made.skipped
