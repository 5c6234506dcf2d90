"""What models call people, in one place. Names of classes are compared without case.

A model's class that is a person and nothing else (ALIKE) is called PERSON here, and so are labels in the documents of
cameras: zones and analytics need not know how a model's maker wrote it. Classes that show people and mean more, such
as `rider` or `person fallen`, keep their names, and whoever they show is blurred: all classes with a word of WORDS.
The words are those of public data sets (COCO, VisDrone, BDD100K, KITTI, Cityscapes, CrowdHuman) and of protective
clothing. Parts of people (face, head, helmet) are not among them: a model that knows no more leaves bodies clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from pipeline.core.catalogue import Camera

PERSON = "person"
DOUBTED = "person?"
"""What looks like a person of a height that nobody has there: no event, and blurred, for it may be a child."""
ALIKE = frozenset(
    {PERSON, "persons", "people", "pedestrian", "pedestrians", "human", "humans"}
    | {"người", "nguoi", "người đi bộ", "nguoi di bo"}
)
WORDS = frozenset((
    "person", "people", "pedestrian", "human", "người", "nguoi", "man", "men", "woman", "women", "male", "female",
    "adult", "child", "children", "kid", "boy", "girl", "baby", "crowd", "rider", "cyclist", "bicyclist",
    "motorcyclist", "biker", "motorbiker", "worker", "driver", "passenger", "player", "walker", "guard", "officer",
    "police", "policeman", "soldier", "swimmer", "skier",
))  # fmt: skip


def label_of(name: str) -> str:
    """What a model's class is called here: in lower case; PERSON for every name of a person."""
    lower = name.strip().lower()
    return PERSON if lower in ALIKE else lower


def people_among(labels: Iterable[str]) -> frozenset[str]:
    """Those labels that show people; none: the model knows nobody."""
    return frozenset(label for label in labels if not WORDS.isdisjoint(_words(label)))


def _words(label: str) -> Iterator[str]:
    """Its words in lower case, as they are and without the s of a plural."""
    for word in re.split(r"[\W_]+", label.lower()):
        yield from (word, word.removesuffix("s"))


def as_named(camera: Camera) -> Camera:
    """The camera with labels of its zones and lines as they are called here."""
    zones = (msgspec.structs.replace(each, labels=_named(each.labels)) for each in camera.zones)
    lines = (msgspec.structs.replace(each, labels=_named(each.labels)) for each in camera.lines)
    return msgspec.structs.replace(camera, zones=tuple(zones), lines=tuple(lines))


def _named(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(label_of, labels)))
