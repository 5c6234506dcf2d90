"""Quantities and units: one table. Everything that is measured, counted or derived has a row here.

Units are UCUM text (https://ucum.org). A row's unit is canonical: the gateway converts to it, rules and the store
know no other. `low` and `high` bound what is physically plausible; a value outside is kept, with quality
`uncertain`. Legal limits are not here: they are numbers of rules, with their legal basis.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from pipeline.core.alerts import Text
from pipeline.core.errors import Reason, Rejected


class Nature(StrEnum):
    """How the values of a quantity relate to one another."""

    GAUGE = "gauge"
    """a level that can be averaged"""
    COUNTER = "counter"
    """an ever-growing total that restarts from zero"""
    EVENT = "event"
    """an amount since the previous reading: sums mean something, means do not"""
    STATE = "state"
    """a text, such as open or closed"""


class Linear(msgspec.Struct, frozen=True):
    """Canonical value = value x scale + offset."""

    scale: float = 1.0
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        return value * self.scale + self.offset


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """One row: canonical unit, plausible range, nature, names, and what other units are understood."""

    name: str
    unit: str
    nature: Nature
    title: Text
    low: float | None = None
    high: float | None = None
    others: Mapping[str, Linear] = MappingProxyType({})

    @property
    def units(self) -> list[str]:
        """The units that are understood, the canonical one first; none for a state."""
        return [unit for unit in (self.unit, *self.others) if unit]

    def plausible(self, value: float) -> bool:
        """Inside the plausible range, bounds included."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def canonical(self, value: float, unit: str) -> float:
        """`value` given in `unit` (UCUM text or a known alias; empty means canonical), in the canonical unit.

        Raises Rejected(wrong_unit), naming the units that would be right.
        """
        if unit in ("", self.unit):
            return value
        converter = self.others.get(unit)
        if converter is None:
            units = ", ".join(self.units)
            raise Rejected(Reason.WRONG_UNIT, f"unit: {unit!r} does not measure {self.name}; expected one of {units}")
        return converter(value)


_SAME = Linear()
_KILO = Linear(1000.0)
_MILLI = Linear(0.001)
_CENTI = Linear(0.01)
_M_WATER = {"cm": _CENTI, "mm": _MILLI}
_MASS = {"µg/m3": _SAME, "ug/Nm3": _SAME, "mg/m3": _KILO}
_FLOW = {"L/s": _MILLI, "m3/h": Linear(1 / 3600)}
_SPEED_KMH = {"m/s": Linear(3.6), "[kn_i]": Linear(1.852)}
_SPEED_MPS = {"km/h": Linear(1 / 3.6), "[kn_i]": Linear(1.852 / 3.6)}
_DB = {"dB": _SAME, "dBA": _SAME, "dB(A)": _SAME}
_PERCENT = {"1": Linear(100.0)}
_MGL = {"mg/l": _SAME, "g/m3": _SAME, "ug/L": _MILLI}
_GAUGE, _COUNTER, _EVENT, _STATE = Nature.GAUGE, Nature.COUNTER, Nature.EVENT, Nature.STATE


def _gas(ug_per_ppb: float) -> dict[str, Linear]:
    """Converters of a gas at 25 degrees Celsius and 760 mmHg, from its factor for parts per billion."""
    return {**_MASS, "[ppb]": Linear(ug_per_ppb), "ppb": Linear(ug_per_ppb), "[ppm]": Linear(ug_per_ppb * 1000)}


_Row = tuple[str, str, Nature, float | None, float | None, str, str, Mapping[str, Linear]]

_ROWS: tuple[_Row, ...] = (
    # --- ambient air, QCVN 05:2023/BTNMT and VN_AQI (ppb factors at 25 degrees Celsius, 760 mmHg)
    ("pm2_5", "ug/m3", _GAUGE, 0, 2000, "Bụi PM2.5", "PM2.5", _MASS),
    ("pm10", "ug/m3", _GAUGE, 0, 4000, "Bụi PM10", "PM10", _MASS),
    ("tsp", "ug/m3", _GAUGE, 0, 10000, "Tổng bụi lơ lửng", "Total suspended particles", _MASS),
    ("so2", "ug/m3", _GAUGE, 0, 10000, "SO₂", "Sulphur dioxide", _gas(2.620)),
    ("no2", "ug/m3", _GAUGE, 0, 10000, "NO₂", "Nitrogen dioxide", _gas(1.882)),
    ("no", "ug/m3", _GAUGE, 0, 10000, "NO", "Nitric oxide", _gas(1.227)),
    ("co", "ug/m3", _GAUGE, 0, 500000, "CO", "Carbon monoxide", _gas(1.1456)),
    ("o3", "ug/m3", _GAUGE, 0, 5000, "O₃", "Ozone", _gas(1.963)),
    ("h2s", "ug/m3", _GAUGE, 0, 10000, "H₂S", "Hydrogen sulphide", _MASS),
    ("nh3", "ug/m3", _GAUGE, 0, 20000, "NH₃", "Ammonia", _MASS),
    ("benzene", "ug/m3", _GAUGE, 0, 5000, "Benzen", "Benzene", _MASS),
    ("chlorine", "ug/m3", _GAUGE, 0, 10000, "Cl₂", "Chlorine", _MASS),
    ("lead", "ug/m3", _GAUGE, 0, 100, "Chì", "Lead", _MASS),
    ("mercury_vapour", "ug/m3", _GAUGE, 0, 100, "Hơi thủy ngân", "Mercury vapour", _MASS),
    # --- weather
    ("air_temperature", "Cel", _GAUGE, -10, 55, "Nhiệt độ không khí", "Air temperature",
     {"[degF]": Linear(5 / 9, -160 / 9), "K": Linear(1, -273.15), "°C": _SAME}),
    ("relative_humidity", "%", _GAUGE, 0, 100, "Độ ẩm tương đối", "Relative humidity", _PERCENT),
    ("air_pressure", "hPa", _GAUGE, 700, 1100, "Khí áp", "Air pressure", {"Pa": _CENTI, "kPa": Linear(10), "mbar": _SAME}),
    ("wind_speed", "m/s", _GAUGE, 0, 110, "Tốc độ gió", "Wind speed", _SPEED_MPS),
    ("wind_gust", "m/s", _GAUGE, 0, 130, "Gió giật", "Wind gust", _SPEED_MPS),
    ("wind_direction", "deg", _GAUGE, 0, 360, "Hướng gió", "Wind direction", {}),
    ("rain_rate", "mm/h", _GAUGE, 0, 600, "Cường độ mưa", "Rain rate", {}),
    ("rain_depth", "mm", _EVENT, 0, 200, "Lượng mưa", "Rain depth since the last reading", {"cm": Linear(10)}),
    ("rain_total", "mm", _COUNTER, 0, None, "Tổng lượng mưa", "Rain counter", {}),
    ("solar_radiation", "W/m2", _GAUGE, 0, 1600, "Bức xạ mặt trời", "Solar radiation", {}),
    # --- rivers, sea, reservoirs, roads under water
    ("water_level", "m", _GAUGE, -10, 1000, "Mực nước", "Water level over the station's own datum", _M_WATER),
    ("water_flow", "m3/s", _GAUGE, 0, 50000, "Lưu lượng nước", "Water flow", _FLOW),
    ("reservoir_level", "m", _GAUGE, -10, 1500, "Mực nước hồ", "Reservoir level", _M_WATER),
    ("reservoir_inflow", "m3/s", _GAUGE, 0, 50000, "Lưu lượng đến hồ", "Reservoir inflow", _FLOW),
    ("reservoir_discharge", "m3/s", _GAUGE, 0, 50000, "Lưu lượng xả", "Reservoir discharge", _FLOW),
    ("road_water_depth", "cm", _GAUGE, 0, 500, "Độ sâu ngập đường", "Water depth on the road", {"m": Linear(100), "mm": Linear(0.1)}),
    ("salinity", "g/L", _GAUGE, 0, 45, "Độ mặn", "Salinity", {"[ppth]": _SAME, "‰": _SAME, "mg/L": _MILLI}),
    # --- water quality, QCVN 08:2023/BTNMT
    ("water_temperature", "Cel", _GAUGE, 0, 45, "Nhiệt độ nước", "Water temperature", {"°C": _SAME}),
    ("ph", "[pH]", _GAUGE, 0, 14, "pH", "pH", {"pH": _SAME}),
    ("bod5", "mg/L", _GAUGE, 0, 5000, "BOD₅", "Biochemical oxygen demand, 5 days", _MGL),
    ("cod", "mg/L", _GAUGE, 0, 10000, "COD", "Chemical oxygen demand", _MGL),
    ("toc", "mg/L", _GAUGE, 0, 5000, "TOC", "Total organic carbon", _MGL),
    ("tss", "mg/L", _GAUGE, 0, 20000, "TSS", "Total suspended solids", _MGL),
    ("dissolved_oxygen", "mg/L", _GAUGE, 0, 25, "DO", "Dissolved oxygen", _MGL),
    ("total_phosphorus", "mg/L", _GAUGE, 0, 500, "Tổng P", "Total phosphorus", _MGL),
    ("total_nitrogen", "mg/L", _GAUGE, 0, 1000, "Tổng N", "Total nitrogen", _MGL),
    ("ammonium", "mg/L", _GAUGE, 0, 500, "Amoni (N)", "Ammonium as N", _MGL),
    ("chloride", "mg/L", _GAUGE, 0, 30000, "Clorua", "Chloride", _MGL),
    ("coliform", "{CFU}/100mL", _GAUGE, 0, None, "Coliform", "Total coliform", {"{MPN}/100mL": _SAME}),
    ("coliform_thermotolerant", "{CFU}/100mL", _GAUGE, 0, None, "Coliform chịu nhiệt", "Thermotolerant coliform",
     {"{MPN}/100mL": _SAME}),
    ("colour", "[Pt-Co]", _GAUGE, 0, 5000, "Độ màu", "Colour", {"Pt-Co": _SAME}),
    ("turbidity", "[NTU]", _GAUGE, 0, 10000, "Độ đục", "Turbidity", {"NTU": _SAME}),
    # --- noise, forest fire, soil
    ("noise_level", "dB[SPL]", _GAUGE, 20, 140, "Mức ồn (LAeq)", "Noise level, A-weighted", _DB),
    ("soil_moisture", "%", _GAUGE, 0, 100, "Độ ẩm đất", "Soil moisture", _PERCENT),
    ("soil_displacement", "mm", _GAUGE, -10000, 10000, "Dịch chuyển đất", "Ground displacement", {"cm": Linear(10)}),
    ("smoke", "%/m", _GAUGE, 0, 100, "Khói", "Smoke obscuration", {}),
    # --- traffic
    ("vehicle_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt xe", "Vehicles since the last reading", {}),
    ("vehicle_total", "{vehicle}", _COUNTER, 0, None, "Tổng số xe", "Vehicle counter", {}),
    ("traffic_flow", "{vehicle}/h", _GAUGE, 0, 30000, "Lưu lượng xe", "Traffic flow", {}),
    ("mean_speed", "km/h", _GAUGE, 0, 250, "Tốc độ trung bình", "Mean speed", _SPEED_KMH),
    ("vehicle_speed", "km/h", _EVENT, 0, 300, "Tốc độ xe", "Speed of one vehicle", _SPEED_KMH),
    ("road_occupancy", "%", _GAUGE, 0, 100, "Độ chiếm dụng mặt đường", "Road occupancy", _PERCENT),
    ("speed_p85", "km/h", _GAUGE, 0, 250, "Tốc độ 85 %", "85th percentile speed", _SPEED_KMH),
    ("queue_length", "m", _GAUGE, 0, 20000, "Chiều dài hàng chờ", "Queue length", {"km": _KILO}),
    ("traffic_density", "{vehicle}/km", _GAUGE, 0, 1000, "Mật độ xe", "Traffic density", {}),
    ("speeding_share", "%", _GAUGE, 0, 100, "Tỷ lệ xe quá tốc độ", "Share of speeding vehicles", _PERCENT),
    ("signal_delay", "s", _GAUGE, 0, 3600, "Thời gian chờ đèn", "Signal delay a vehicle", {"min": Linear(60)}),
    # --- cameras (device = camera id)
    ("zone_occupancy", "{person}", _GAUGE, 0, 5000, "Số người trong vùng", "People in the zone", {"{object}": _SAME}),
    ("zone_dwell", "s", _GAUGE, 0, 86400, "Thời gian lưu lại", "Dwell time in the zone", {"min": Linear(60)}),
    ("zone_vehicles", "{vehicle}", _GAUGE, 0, 5000, "Số xe trong vùng", "Vehicles in the zone", {"{object}": _SAME}),
    ("crowd_density", "{person}/m2", _GAUGE, 0, 12, "Mật độ người", "Crowd density", {}),
    ("line_count", "{object}", _EVENT, 0, 10000, "Số lượt qua vạch", "Crossings since the last reading", {}),
    ("line_count_right", "{object}", _EVENT, 0, 10000, "Số lượt qua vạch sang phải", "Crossings to the right since the last reading", {}),
    ("line_count_left", "{object}", _EVENT, 0, 10000, "Số lượt qua vạch sang trái", "Crossings to the left since the last reading", {}),
    ("person_count", "{person}", _EVENT, 0, 10000, "Số lượt người", "People since the last reading", {}),
    ("bicycle_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt xe đạp", "Bicycles since the last reading", {}),
    ("motorcycle_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt xe máy", "Motorcycles since the last reading", {}),
    ("car_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt ô tô con", "Cars since the last reading", {}),
    ("bus_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt xe buýt", "Buses since the last reading", {}),
    ("truck_count", "{vehicle}", _EVENT, 0, 10000, "Số lượt xe tải", "Trucks since the last reading", {}),
    ("camera_fps", "Hz", _GAUGE, 0, 240, "Tốc độ khung hình", "Frames a second", {}),
    ("camera_latency", "ms", _GAUGE, 0, 600000, "Độ trễ hình", "Picture latency", {"s": _KILO}),
    # --- doors, presence, power
    ("door", "", _STATE, None, None, "Cửa", "Door", {}),
    ("mode", "", _STATE, None, None, "Chế độ", "Mode", {}),
    ("presence", "", _STATE, None, None, "Hiện diện", "Presence", {}),
    ("power_state", "", _STATE, None, None, "Nguồn điện", "Mains power", {}),
    ("energy", "kW.h", _COUNTER, 0, None, "Điện năng", "Energy counter", {"W.h": _MILLI}),
    ("power", "W", _GAUGE, -1e9, 1e9, "Công suất", "Power", {"kW": _KILO}),
    ("luminance", "lx", _GAUGE, 0, 200000, "Độ rọi", "Illuminance", {}),
    # --- vessels (position travels in `point`)
    ("vessel_speed", "[kn_i]", _GAUGE, 0, 60, "Tốc độ tàu", "Vessel speed", {"km/h": Linear(1 / 1.852), "m/s": Linear(3.6 / 1.852)}),
    ("vessel_course", "deg", _GAUGE, 0, 360, "Hướng tàu", "Vessel course", {}),
    ("vessel_status", "", _STATE, None, None, "Trạng thái tàu", "Vessel status", {}),
    # --- feeds of departments: counts and indicators
    ("report_count", "{report}", _EVENT, 0, None, "Số phản ánh", "Citizens' reports", {}),
    ("dossier_on_time", "%", _GAUGE, 0, 100, "Tỷ lệ hồ sơ đúng hạn", "Dossiers on time", _PERCENT),
    ("disease_cases", "{case}", _EVENT, 0, None, "Số ca bệnh", "Disease cases", {}),
    ("bed_occupancy", "%", _GAUGE, 0, 200, "Công suất giường bệnh", "Hospital bed occupancy", _PERCENT),
    ("lodging_guests", "{person}", _EVENT, 0, None, "Khách lưu trú", "Lodging guests", {}),
    ("security_events", "{event}", _EVENT, 0, None, "Sự kiện an toàn thông tin", "Information security events", {}),
    ("press_mentions", "{article}", _EVENT, 0, None, "Tin báo chí, mạng xã hội", "Press and social mentions", {}),
    ("indicator", "1", _GAUGE, None, None, "Chỉ tiêu", "Socio-economic indicator", {}),
    ("plan_share", "%", _GAUGE, None, None, "Tỷ lệ so với kế hoạch", "Share of plan", _PERCENT),
    # --- derived by rules (published to ioc.derived.v1)
    ("vn_aqi_hour", "1", _GAUGE, 0, 500, "VN_AQI giờ", "VN_AQI, hourly", {}),
    ("vn_aqi_day", "1", _GAUGE, 0, 500, "VN_AQI ngày", "VN_AQI, daily", {}),
    ("vn_aqi_pollutant", "", _STATE, None, None, "Chất ô nhiễm quyết định VN_AQI giờ", "Pollutant that governs the hourly VN_AQI", {}),
    ("water_class", "", _STATE, None, None, "Mức chất lượng nước", "Water quality class", {}),
    ("level_of_service", "", _STATE, None, None, "Mức phục vụ", "Level of service", {}),
    ("nesterov", "1", _GAUGE, 0, 100000, "Chỉ số Nesterov", "Nesterov index", {}),
    ("heat_index", "Cel", _GAUGE, -20, 90, "Chỉ số nóng bức", "Heat index", {}),
    ("density", "%", _GAUGE, 0, 100, "Độ đầy đủ dữ liệu", "Data completeness", _PERCENT),
    # --- about the devices themselves (measured at the gateway or told by the device)
    ("clock_skew", "ms", _GAUGE, None, None, "Lệch đồng hồ", "Clock skew: gateway minus device", {"s": _KILO}),
    ("seq_gap", "{message}", _EVENT, 0, None, "Số bản tin mất", "Messages missing before this one", {}),
    ("battery_voltage", "V", _GAUGE, 0, 60, "Điện áp pin", "Battery voltage", {"mV": _MILLI}),
    ("battery_level", "%", _GAUGE, 0, 100, "Mức pin", "Battery level", _PERCENT),
    ("signal_strength", "dB[mW]", _GAUGE, -150, 0, "Cường độ tín hiệu", "Signal strength", {"dBm": _SAME}),
    ("enclosure_temperature", "Cel", _GAUGE, -40, 120, "Nhiệt độ tủ", "Enclosure temperature", {"°C": _SAME}),
)  # fmt: skip

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        name: Quantity(name=name, unit=unit, nature=nature, low=low, high=high, title=Text(vi, en), others=others)
        for name, unit, nature, low, high, vi, en, others in _ROWS
    }
)
"""Every quantity by its name."""


def quantity(name: str) -> Quantity:
    """The row of `name`. Raises Rejected(unknown_quantity)."""
    row = QUANTITIES.get(name)
    if row is None:
        raise Rejected(Reason.UNKNOWN_QUANTITY, f"quantity: {name!r} is not in the table of quantities")
    return row
