"""However many walk about: as long as boxes never overlap and move little, everybody keeps one id."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vision.picture import Box, Seen
from vision.tracker import Tracker

WIDTH, HEIGHT, LANE, MOST, PICTURES = 40, 100, 90, 8, 20
steps = st.lists(st.tuples(st.integers(-MOST, MOST), st.integers(-MOST, MOST)), min_size=PICTURES, max_size=PICTURES)


@settings(max_examples=50, deadline=None)
@given(walks=st.lists(steps, min_size=1, max_size=6), period=st.sampled_from([40, 100, 200, 500]), shuffle=st.randoms())
def test_ids_never_swap_when_boxes_never_overlap(
    walks: list[list[tuple[int, int]]], period: int, shuffle: object
) -> None:
    tracker = Tracker("1", 0.5)
    boxes = [Box(LANE * n, 100, WIDTH, HEIGHT) for n in range(len(walks))]
    owners: dict[str, int] = {}
    for number in range(PICTURES):
        boxes = [walked(box, n, *walk[number]) for n, (box, walk) in enumerate(zip(boxes, walks, strict=True))]
        seen = [Seen(box, "person", 0.9) for box in boxes]
        shuffle.shuffle(seen)  # type: ignore[attr-defined]
        for track in tracker.update(seen, number * period).live:
            nearest = min(range(len(boxes)), key=lambda n, x=track.box.x: abs(boxes[n].x - x))  # type: ignore[misc]
            assert owners.setdefault(track.id, nearest) == nearest
    assert len(owners) == len(walks)


def walked(box: Box, lane: int, x: int, y: int) -> Box:
    """One step of a walker who stays in a lane of its own, so that no two boxes overlap (they may touch)."""
    return box._replace(x=min(max(box.x + x, LANE * lane), LANE * (lane + 1) - WIDTH), y=box.y + y)
