"""What states of things and detected objects are called in Vietnamese and English; others go by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pipeline.core.alerts import Text

VALUES: Mapping[str, Text] = MappingProxyType({
    "open": Text("mở", "open"),
    "closed": Text("đóng", "closed"),
    "on": Text("bật", "on"),
    "off": Text("tắt", "off"),
    "online": Text("có kết nối", "online"),
    "offline": Text("mất kết nối", "offline"),
    "frozen": Text("đứng hình", "frozen"),
    "unauthorised": Text("sai đăng nhập", "unauthorised"),
    "unsupported": Text("không hỗ trợ", "unsupported"),
    "covered": Text("bị che", "covered"),
    "defocused": Text("mất nét", "out of focus"),
    "turned": Text("bị xoay", "turned"),
    "dark": Text("tối đen", "dark"),
    "flood_lit": Text("bị rọi sáng", "flood-lit"),
    "person": Text("người", "person"),
    "vehicle": Text("phương tiện", "vehicle"),
    "car": Text("ô tô", "car"),
    "bus": Text("xe buýt", "bus"),
    "truck": Text("xe tải", "truck"),
    "motorcycle": Text("xe máy", "motorcycle"),
    "bicycle": Text("xe đạp", "bicycle"),
    "motorbike": Text("xe máy", "motorbike"),
    "van": Text("xe van", "van"),
    "pickup": Text("xe bán tải", "pickup"),
    "tricycle": Text("xe ba bánh", "tricycle"),
    "bag": Text("túi", "bag"),
    "backpack": Text("ba lô", "backpack"),
    "handbag": Text("túi xách", "handbag"),
    "suitcase": Text("va li", "suitcase"),
    "fire": Text("lửa", "fire"),
    "smoke": Text("khói", "smoke"),
    "flame": Text("ngọn lửa", "flame"),
    "box": Text("thùng", "box"),
    "parcel": Text("kiện hàng", "parcel"),
    "bike": Text("xe hai bánh", "bike"),
    "awning-tricycle": Text("xe ba bánh có mui", "awning tricycle"),
})  # fmt: skip
