"""What models call things, in one place. Names of classes are compared without case, marks between words are spaces.

A class that means what a label here means and nothing else (NAMES) is called by that label, and so are labels in the
documents of cameras: zones and analytics need not know how a model's maker wrote it. The names are those of public data
sets (COCO, VisDrone, BDD100K, UA-DETRAC, KITTI, Cityscapes, CrowdHuman) and Vietnamese ones. Classes that mean more or
less, such as `van`, `rider` or `person fallen`, keep their names. Whoever any class shows is blurred: all classes with
a word of WORDS, those of the same data sets and of protective clothing. Parts of people (face, head, helmet) are not
among them: a model that knows no more leaves bodies clear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from pipeline.core.catalogue import Camera

PERSON = "person"
DOUBTED = "person?"
"""What looks like a person of a height that nobody has there: no event, and blurred, for it may be a child."""
NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    PERSON: ("persons", "people", "pedestrian", "pedestrians", "human", "humans",
             "người", "nguoi", "người đi bộ", "nguoi di bo"),
    "motorcycle": ("motor", "moto", "motor bike", "motorcycles", "motorbikes",
                   "xe máy", "xe may", "xe mô tô", "xe mo to"),
    "bicycle": ("bicycles", "xe đạp", "xe dap"),
    "car": ("cars", "automobile", "ô tô", "ôtô", "o to", "oto", "xe ô tô", "xe oto", "xe hơi", "xe hoi", "xe con"),
    "truck": ("trucks", "lorry", "xe tải", "xe tai"),
    "bus": ("buses", "coach", "xe buýt", "xe buyt", "xe khách", "xe khach"),
    "vehicle": ("vehicles", "phương tiện", "phuong tien", "xe", "xe cộ", "xe co"),
    "fire": ("lửa", "lua", "đám cháy", "dam chay"),
    "smoke": ("khói", "khoi"),
})  # fmt: skip
_LABELS = {name: label for label, names in NAMES.items() for name in (label, *names)}
WORDS = frozenset((
    "person", "people", "pedestrian", "human", "người", "nguoi", "man", "men", "woman", "women", "male", "female",
    "adult", "child", "children", "kid", "boy", "girl", "baby", "crowd", "rider", "cyclist", "bicyclist",
    "motorcyclist", "biker", "motorbiker", "worker", "driver", "passenger", "player", "walker", "guard", "officer",
    "police", "policeman", "soldier", "swimmer", "skier",
))  # fmt: skip


def label_of(name: str) -> str:
    """What a model's class is called here: by the label that it means; else in lower case as it is."""
    lower = unicodedata.normalize("NFC", name).strip().lower()
    return _LABELS.get(re.sub(r"[\W_]+", " ", lower).strip(), lower)


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
