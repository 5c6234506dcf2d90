"""The ground plane on cameras worked out by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from pipeline.core.catalogue import Calibration
from pipeline.core.errors import BadInput
from vision.calibration import Anchor
from vision.motion import GroundSpace
from vision.picture import Box
from vision.plane import Plane

SIZE = (800, 600)
# A level pinhole camera 5 m up, focal length 500 px, centre (400, 300): the ground point X to the right, Z ahead is
# seen at (400 + 500 X / Z, 300 + 500 * 5 / Z).
SEEN = [((X, Z), (400 + 500 * X / Z, 300 + 2500 / Z)) for X, Z in [(-4, 10), (4, 10), (-4, 20), (4, 20), (0, 14)]]
POINTS = [{"picture": picture, "metres": metres} for metres, picture in SEEN]


def plane(real: tuple[int, int] = SIZE, **fields: Any) -> Plane:
    return Plane.of(msgspec.convert(fields, Calibration), SIZE, real)


def refused(**fields: Any) -> str:
    with pytest.raises(BadInput) as caught:
        plane(**fields)
    return str(caught.value)


def test_a_pixel_is_where_the_pinhole_camera_saw_it_and_back() -> None:
    made = plane(points=POINTS)
    # X 2, Z 25: pixel (440, 400)
    assert made.metres([(440, 400)]).tolist() == [pytest.approx([2, 25], abs=1e-6)]
    assert made.picture([(2, 25)]).tolist() == [pytest.approx([440, 400], abs=1e-4)]
    assert made.residual_m == pytest.approx(0, abs=1e-6)


def test_nothing_stands_at_or_above_the_horizon() -> None:
    made = plane(points=POINTS, camera_height=5)
    assert np.isnan(made.metres([(400, 299), (400, 300 - 50)])).all()
    assert made.expected_height([(400, 299)]) is not None
    assert np.isnan(made.expected_height([(400, 299)])).all()  # type: ignore[arg-type]


def test_the_jacobian_is_metres_a_pixel() -> None:
    # Z = 2500 / (y - 300): at y 400, dZ/dy = -2500 / 100^2 = -0.25; X = (x - 400) Z / 500: dX/dx = 25 / 500 = 0.05
    made = plane(points=POINTS)
    (slope,) = made.jacobian([(400, 400)])
    assert slope.tolist() == [pytest.approx([0.05, 0], abs=1e-6), pytest.approx([0, -0.25], abs=1e-6)]
    (foot,) = GroundSpace(made).measure([Box(385, 320, 30, 80)])  # 80 px high: its foot is 4 px off, one sigma
    assert foot is not None
    assert np.sqrt(np.linalg.eigvalsh(foot.covariance)[1]) == pytest.approx(1.0, abs=1e-5)


def test_people_are_as_tall_as_their_distance_from_the_horizon_says() -> None:
    made = plane(points=POINTS, camera_height=5)
    # 1.7 m at Z 25: 500 * 1.7 / 25 = 34 px, anywhere across
    assert made.expected_height([(100, 400), (700, 400)]).tolist() == pytest.approx([34, 34], abs=1e-3)  # type: ignore[union-attr]


def test_a_height_line_alone_gives_heights_and_no_ground() -> None:
    made = plane(height=[(300, 50), (500, 90)])
    assert not made.grounded
    assert made.expected_height([(0, 400)]).tolist() == pytest.approx([70])  # type: ignore[union-attr]


def test_marked_heights_go_before_the_camera_s_own() -> None:
    made = plane(points=POINTS, camera_height=5, height=[(300, 50), (500, 90)])
    assert made.expected_height([(0, 400)]).tolist() == pytest.approx([70])  # type: ignore[union-attr]


def test_without_heights_none_are_expected() -> None:
    assert plane(points=POINTS).expected_height([(0, 400)]) is None


def test_pictures_of_half_the_size_give_the_same_metres() -> None:
    half = plane((400, 300), points=POINTS, camera_height=5)
    assert half.metres([(220, 200)]).tolist() == [pytest.approx([2, 25], abs=1e-6)]
    assert half.expected_height([(220, 200)]).tolist() == pytest.approx([17], abs=1e-3)  # type: ignore[union-attr]


def test_four_sides_and_a_diagonal_give_the_same_lengths_as_points() -> None:
    # the rectangle of 8 m by 10 m between Z 10 and Z 20, clockwise from its far left corner
    corners = [picture for _, picture in (SEEN[2], SEEN[3], SEEN[1], SEEN[0])]
    made = plane(corners=corners, sides=[8, 10, 8, 10], diagonal=164**0.5)
    ends = made.metres([(400 - 500 * 4 / 16, 300 + 2500 / 16), (400 + 500 * 4 / 16, 300 + 2500 / 16)])
    assert float(np.linalg.norm(ends[0] - ends[1])) == pytest.approx(8)
    backwards = plane(corners=corners[::-1], sides=[8, 10, 8, 10], diagonal=164**0.5)
    ends = backwards.metres([(440, 400), (400, 400)])
    assert float(np.linalg.norm(ends[0] - ends[1])) == pytest.approx(2)


def test_positions_give_metres_and_come_back_as_positions() -> None:
    # at 12 N a degree is 110,622 m to the north and 108,903 m to the east on the ellipsoid; 109 E; east = X, north = Z
    def position(x: float, z: float) -> tuple[float, float]:
        return 109 + x / 108_902.6, 12 + z / 110_622.3

    points = [{"picture": picture, "position": position(*metres)} for metres, picture in SEEN]
    made = plane(points=points)
    a, b = made.metres([(440, 400), (400, 400)])
    assert float(np.linalg.norm(a - b)) == pytest.approx(2, rel=1e-4)
    (found,) = made.positions(made.metres([(440, 400)])) or []
    assert found == pytest.approx(position(2, 25), abs=1e-7)
    assert plane(points=POINTS).positions([(0, 0)]) is None


def test_a_wrong_fifth_point_shows_in_the_residuals() -> None:
    wrong = [*POINTS[:4], {"picture": POINTS[4]["picture"], "metres": (0.3, 14)}]
    made = plane(points=wrong)
    assert 0.05 < made.residual_m < 0.3
    assert len(made.residuals_m) == 5


def test_points_that_contradict_each_other_are_refused_by_the_worst() -> None:
    wrong = [*POINTS, {"picture": (400, 430), "metres": (9, 14)}]
    assert "camera.calibration.points.5" in refused(points=wrong)


def test_three_points_are_too_few() -> None:
    assert "camera.calibration.points: 3 is not valid; expected 4 or more" in refused(points=POINTS[:3])


def test_points_on_one_line_are_refused() -> None:
    line = [{"picture": (100 + 50 * n, 300 + 40 * n), "metres": (n, 2 * n)} for n in range(6)]
    assert "not on one line" in refused(points=line)
    three = [{"picture": (100 * n, 400), "metres": (n, 0)} for n in range(3)]
    assert "not on one line" in refused(points=[*three, {"picture": (0, 500), "metres": (0, 5)}])


def test_a_plane_folded_at_the_horizon_is_refused() -> None:
    crossed = [POINTS[0] | {"metres": POINTS[1]["metres"]}, POINTS[1] | {"metres": POINTS[0]["metres"]}, *POINTS[2:4]]
    assert "folded" in refused(points=crossed)


@pytest.mark.parametrize(
    ("latitude", "north_km", "east_km"),
    [(0, 110.574, 111.320), (15, 110.649, 107.551), (30, 110.852, 96.486), (45, 111.132, 78.847)],
)
def test_a_degree_is_as_long_as_on_the_ellipsoid_of_satellite_navigation(
    latitude: float, north_km: float, east_km: float
) -> None:
    """Published lengths of a degree, in tables of WGS 84."""
    anchor = Anchor(105.8, latitude)
    east, north = anchor.metres([(106.8, latitude), (105.8, latitude + 1)])
    assert (east[0], north[1]) == pytest.approx((1000 * east_km, 1000 * north_km), rel=2e-5)


def test_positions_seen_in_a_mirror_are_refused() -> None:
    mirrored = [{"picture": picture, "position": (109 - x / 1e5, 12 + z / 1e5)} for (x, z), picture in SEEN]
    assert "mirrored" in refused(points=mirrored)


def test_a_quadrilateral_that_cannot_close_is_refused() -> None:
    corners = [picture for _, picture in (SEEN[2], SEEN[3], SEEN[1], SEEN[0])]
    assert "sides.0-1" in refused(corners=corners, sides=[8, 10, 8, 10], diagonal=19)
    assert "sides.2-3" in refused(corners=corners, sides=[8, 10, 2, 3], diagonal=12)
    assert "camera.calibration.diagonal" in refused(corners=corners, sides=[8, 10, 8, 10])
    assert "convex quadrilateral in" not in refused(corners=corners[:3], sides=[8, 10, 8, 10], diagonal=12)
    assert "one after the other" in refused(
        corners=[corners[0], corners[2], corners[1], corners[3]], sides=[8, 10, 8, 10], diagonal=12
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"height": [(300, 50)]}, "two or more pairs"),
        ({"height": [(300, 50), (301, 50)]}, "far and near"),
        ({"height": [(300, 90), (500, 50)]}, "grow towards the lower edge"),
        ({"height": [(300, 0), (500, 50)]}, "heights above 0"),
        ({"camera_height": 5}, "no horizon is known"),
        ({"points": POINTS, "camera_height": 1.2}, "over the heads"),
        ({"points": POINTS, "person_height": 17}, "0.5 to 2.5"),
        ({"points": [*POINTS[:4], {"picture": (1, 2)}]}, "one of metres"),
        ({"points": [*POINTS[:4], {"picture": (1, 2), "position": (109, 12)}]}, "all points in metres"),
        ({"points": [*POINTS[:4], {"picture": (1, 2), "position": (400, 12)}]}, "all points in metres"),
        ({"points": POINTS, "diagonal": 3}, "either points"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(fields: dict[str, Any], told: str) -> None:
    assert told in refused(**fields)
