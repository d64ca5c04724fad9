"""Do targets belong to the inputs of their own sample? Asked of data sets."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402 - needs torch

from runtime_probe.tap import relations  # noqa: E402


def trajectories(count: int = 1024) -> tuple[Any, Any]:
    """States (N, 6) that wander, and the force (N, 2) that a controller answers each with."""
    torch.manual_seed(0)
    states = [torch.zeros(6)]
    for _ in range(count - 1):
        states.append(0.7 * states[-1] + torch.randn(6))
    state = torch.stack(states)
    return state, torch.tanh(state @ torch.randn(6, 2) / 3) + 0.05 * torch.randn(count, 2)


def asked(*parts: Any) -> list[relations.Relation]:
    return relations.look(relations.read(DataLoader(TensorDataset(*parts), 32, shuffle=True)), {"[0]"}, {"[1]"})


def test_targets_that_belong_to_their_inputs() -> None:
    [found] = asked(*trajectories())
    assert found.dependence > 20
    assert found.same < 0.3 < min(found.before, found.after)


def test_targets_in_another_order_do_not_depend_on_the_inputs() -> None:
    for seed in range(5):
        state, force = trajectories()
        torch.manual_seed(seed)
        [found] = asked(state, force[torch.randperm(len(force))])
        assert found.dependence < 4
        assert min(found.before, found.same, found.after) > 0.9


def test_two_lists_that_are_each_in_some_order() -> None:
    """Both grow along the data set, and what stands beside each other is not of one sample."""
    torch.manual_seed(0)
    kind = torch.arange(1024) // 256
    state = torch.randn(1024, 6)
    force = state @ torch.randn(6, 2) + kind[:, None]
    state = torch.cat([state, kind[:, None] + 0.1 * torch.randn(1024, 1)], dim=1)
    [found] = asked(state, force)
    assert min(found.dependence, found.row_by_row) > 20
    order = torch.cat([256 * part + torch.randperm(256) for part in range(4)])
    [found] = asked(state, force[order])
    assert found.row_by_row < 3
    assert found.dependence > 20


def prompted(answers: Any) -> list[relations.Relation]:
    """Prompts of eight tokens with what was answered to each, as a language model has them."""
    torch.manual_seed(0)
    prompts = torch.randint(5, 50, (1024, 8))
    tokens = torch.cat([prompts, answers(prompts)], dim=1)
    labels = torch.cat([torch.full_like(prompts, -100), tokens[:, 8:]], dim=1)
    rows = [{"input_ids": row, "labels": label} for row, label in zip(tokens, labels, strict=True)]
    return relations.answers(relations.read(DataLoader(rows, 32)))


def test_answers_that_belong_to_their_prompts_and_those_of_other_prompts() -> None:
    [found] = prompted(lambda prompts: prompts.flip(1)[:, :4])
    assert found.dependence > 20
    [found] = prompted(lambda prompts: prompts[torch.randperm(1024)].flip(1)[:, :4])
    assert found.dependence < 4


def test_targets_of_the_step_before() -> None:
    state, force = trajectories()
    [found] = asked(state[1:], force[:-1])
    assert found.before < 0.3 < min(found.same, found.after)


def test_positions_to_go_to_are_of_the_next_state_and_not_late() -> None:
    state, _ = trajectories()
    [found] = asked(state[:-1], state[1:, :2])
    assert found.after < found.same < found.before


def test_classes_of_images_and_of_words() -> None:
    torch.manual_seed(0)
    labels = torch.randint(0, 4, (600,))
    images = 0.5 * torch.randn(600, 3, 24, 24)
    for row, label in enumerate(labels.tolist()):
        images[row, :, 5 * label : 5 * label + 5] += 1.0
    words = torch.randint(0, 500, (600, 12))
    words[:, 3] = 500 + labels
    for inputs in (images, words):
        [found] = asked(inputs, labels)
        assert found.dependence > 10
        [found] = asked(inputs, labels[torch.randperm(600)])
        assert found.dependence < 4


def blobs() -> tuple[Any, Any]:
    """Images with a bright or a dark disc somewhere on a background that varies more, and where it is."""
    torch.manual_seed(0)
    places = torch.rand(600, 2) * 2 - 1
    axis = torch.linspace(-1, 1, 32)
    far = (axis - places[:, :1]).square()[:, None, :] + (axis - places[:, 1:]).square()[:, :, None]
    discs = (far < 0.06).float() * torch.tensor([-1.5, 1.5])[torch.randint(0, 2, (600, 1, 1))]
    return (torch.randn(600, 1, 1) + discs + 0.1 * torch.randn(600, 32, 32))[:, None], places


def test_places_in_images() -> None:
    images, places = blobs()
    [found] = asked(images, places)
    assert found.dependence > 5
    [found] = asked(images, places[torch.randperm(600)])
    assert found.dependence < 2.5


@pytest.mark.parametrize("kind", ["bool", "int64", "float32"])
def test_maps_of_images(kind: str) -> None:
    images, _ = blobs()
    maps = ((images - images.flatten(1).median(dim=1).values[:, None, None, None]).abs() > 0.8).to(getattr(torch, kind))
    for target in (maps, maps[:, 0]):
        [found] = asked(images, target)
        assert found.dependence > 5
        [found] = asked(images, target[torch.randperm(600)])
        assert found.dependence < 2.5


def test_draws_of_the_data_set_are_put_back() -> None:
    class Noisy(Dataset[Any]):
        def __len__(self) -> int:
            return 600

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            return torch.randn(3), torch.tensor(float(index))

    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    assert relations.look(relations.read(DataLoader(Noisy(), 8)), {"[0]"}, {"[1]"})
    assert torch.equal(torch.randn(4), expected)


def test_what_cannot_be_asked_is_left() -> None:
    state, force = trajectories(300)
    assert not asked(state, force), "too short"
    assert not asked(torch.randn(600, 3), torch.zeros(600)), "targets that do not vary"
    assert not asked(torch.randn(600, 3), torch.arange(600)), "a class for each sample"
    assert not relations.look(relations.read(DataLoader(TensorDataset(state, force))), set(), {"[1]"})


def test_a_slow_data_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "_SECONDS", -1.0)
    assert not asked(*trajectories())


def asked_of_inputs(*parts: Any, targets: set[str]) -> dict[str, bool]:
    """Whether all targets together depend on each input of a data set of these parts."""
    stretches = relations.read(DataLoader(TensorDataset(*parts), batch_size=8))
    given = {f"[{place}]" for place in range(len(parts))} - targets
    return {found.part: found.dependence > 2.5 for found in relations.of_inputs(stretches, given, targets)}


def test_one_input_of_another_sample_is_found_beside_one_that_belongs() -> None:
    images, places = blobs()
    state = torch.randn(len(places), 3)
    action = places + state[:, :2]
    assert asked_of_inputs(images, state, action, targets={"[2]"}) == {"[0]": True, "[1]": True}
    assert asked_of_inputs(images.roll(1, 0), state, action, targets={"[2]"}) == {"[0]": False, "[1]": True}
    assert asked_of_inputs(images, state.roll(1, 0), action, targets={"[2]"}) == {"[0]": True, "[1]": False}


def test_lengths_masks_and_a_single_input_are_not_asked_alone() -> None:
    images, places = blobs()
    mask, length = (torch.rand(len(places), 7) < 0.5), torch.randint(9, (len(places),))
    assert asked_of_inputs(images, mask.long(), length, places, targets={"[3]"}) == {"[0]": True}
    assert asked_of_inputs(images, places, targets={"[1]"}) == {}
