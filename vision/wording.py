"""What `ioc camera test` says, in both languages: each rung's finding, and the remedy where it broke."""

from __future__ import annotations

from pipeline.core.alerts import Text
from pipeline.core.logins import TOO_LONG

Message = tuple[Text, Text]
"""What is wrong, and what to do."""

NOT_REACHED = Text("chưa thử", "not tried")
NO_ADDRESS: Message = (
    Text("địa chỉ không đúng dạng rtsp://máy:cổng/đường-dẫn", "the address is not rtsp://host:port/path"),
    Text(
        "chép địa chỉ RTSP từ tài liệu của camera; mật khẩu có ký tự đặc biệt: dùng --user;"
        " @ trong đường dẫn viết là %40",
        "copy the RTSP address from the camera's manual; for special characters in a password use --user; write %40 for"
        " an @ in the path",
    ),
)
FORBIDDEN: Message = (
    Text("camera cấm tài khoản này xem luồng", "the camera forbids this account to view the stream"),
    Text("cấp quyền xem trực tiếp cho tài khoản trên camera", "give the account the right to live view on the camera"),
)
WANTS_LOGIN: Message = (
    Text("camera đòi đăng nhập", "the camera wants a login"),
    Text("thêm --user và đặt IOC_CAMERA_PASSWORD", "add --user and set IOC_CAMERA_PASSWORD"),
)
WRONG_LOGIN: Message = (
    Text("camera từ chối tên hoặc mật khẩu", "the camera refuses the login"),
    Text(
        "kiểm tra tên và mật khẩu; nhiều camera khóa tài khoản vài phút sau năm lần sai",
        "check name and password; many cameras lock an account for minutes after five wrong ones",
    ),
)
LOGIN_TOO_LONG: Message = (
    TOO_LONG,
    Text("đặt mật khẩu ngắn hơn trên camera", "set a shorter password on the camera"),
)
LOGGED_IN = Text("camera chấp nhận đăng nhập", "the login is accepted")
NO_LOGIN = Text("camera không đòi đăng nhập: ai cũng xem được", "the camera wants no login: anybody can watch")
LOGIN_NOT_WANTED = Text(
    "camera không đòi đăng nhập: không cần tên và mật khẩu đã nhập, ai cũng xem được",
    "the camera wants no login: the one given is not needed, and anybody can watch",
)
NOT_REFUSED = Text("camera không từ chối tên và mật khẩu", "the camera does not refuse the login")
NOT_ASKED = Text("camera chưa hỏi đăng nhập", "the camera has not asked for a login")
NO_PATH: Message = (
    Text("camera không có luồng ở đường dẫn này", "the camera has no stream under this path"),
    Text(
        "đường dẫn tùy hãng, ví dụ /Streaming/Channels/102 hoặc /cam/realmonitor?channel=1&subtype=1",
        "paths depend on the make, e.g. /Streaming/Channels/102 or /cam/realmonitor?channel=1&subtype=1",
    ),
)
NO_VIDEO: Message = (
    Text("luồng không có hình", "the stream has no video"),
    Text("bật kênh hình trong cấu hình luồng của camera", "switch the video on in the camera's stream settings"),
)
SILENT: Message = (
    Text("cổng mở nhưng camera không trả lời", "the port is open, but the camera does not answer"),
    Text("khởi động lại camera; kiểm tra số người xem tối đa của nó", "restart the camera; check its limit of viewers"),
)
NOT_RTSP: Message = (
    Text("nơi trả lời không nói RTSP", "what answers there does not speak RTSP"),
    Text("kiểm tra cổng: RTSP thường là 554, trang web là 80", "check the port: RTSP is mostly 554, the web page 80"),
)
UNDECODABLE: Message = (
    Text("không giải mã được hình", "the pictures cannot be decoded"),
    Text(
        "đặt luồng phụ thành H.264 hoặc H.265, tắt H.264+/H.265+",
        "set the sub-stream to H.264 or H.265, without the maker's plus variants",
    ),
)
NO_PICTURE: Message = (
    Text("camera mô tả luồng nhưng không gửi hình", "the camera describes the stream but sends no picture"),
    Text(
        "kiểm tra số người xem tối đa; đặt khoảng khung hình khóa 2 giây; xem đường truyền có đủ băng thông",
        "check its limit of viewers; set a key frame every 2 s; see whether the line has the bandwidth",
    ),
)
OTHER_PROOF: Message = (
    Text(
        "camera nhận đăng nhập này khi hỏi, nhưng từ chối khi mở luồng",
        "the camera takes this login when asked, and refuses it when the stream is opened",
    ),
    Text(
        "đặt đăng nhập RTSP của camera là digest (MD5): SHA-256 không mở được luồng; kiểm tra quyền xem",
        "set the camera's RTSP login to digest (MD5): SHA-256 opens no stream; check that the user may watch",
    ),
)
SENT_ON = Text(
    "camera chỉ sang địa chỉ khác: luồng được mở ở đó, với cùng đăng nhập",
    "the camera sends us on: the stream is opened there, with the same login",
)
ONE_PICTURE: Message = (
    Text("chỉ có một hình rồi không có hình nào nữa", "one picture came, and no second one"),
    Text("xem tốc độ khung hình của luồng và đường truyền", "look at the stream's frame rate and at the line"),
)
NO_CLOCK = Text(
    "camera chưa cho biết giờ của nó: dùng giờ hình đến", "the camera told no clock: the time of arrival is used"
)


def no_name(host: str) -> Message:
    """The name server knows no such host, or does not answer."""
    return (
        Text(f"không tìm thấy máy {host}", f"no host {host} is known"),
        Text("kiểm tra tên, hoặc dùng địa chỉ IP", "check the name, or use the IP address"),
    )


def name_found(host: str, address: str) -> Text:
    """The host has an address."""
    return Text(f"{host} là {address}", f"{host} is {address}")


def refused(port: int) -> Message:
    """The host is there, and nothing listens."""
    return (
        Text(f"không có gì nghe ở cổng {port}", f"nothing listens on port {port}"),
        Text("bật RTSP trên camera; kiểm tra cổng", "switch RTSP on in the camera; check the port"),
    )


def unreachable(host: str, port: int) -> Message:
    """No answer to a connection."""
    return (
        Text(f"không tới được {host} cổng {port}", f"{host} port {port} cannot be reached"),
        Text(
            "camera có điện và mạng không? VLAN và tường lửa có cho qua không?",
            "has the camera power and network? do VLAN and firewall let it through?",
        ),
    )


def no_key_frame(within_s: float) -> Message:
    """Data comes, but no picture can begin."""
    return (
        Text(f"không có khung hình khóa trong {within_s:.0f} giây", f"no key frame within {within_s:.0f} s"),
        Text(
            "đặt khoảng khung hình khóa (I-frame) 2 giây trong cấu hình luồng của camera",
            "set a key frame (I-frame) every 2 s in the camera's stream settings",
        ),
    )


def reached(port: int) -> Text:
    """A connection stands."""
    return Text(f"cổng {port} mở", f"port {port} is open")


def speaks(server: str) -> Text:
    """RTSP is spoken; `server` is the camera's own name for its software, if it told one."""
    named = f" ({server})" if server.isprintable() and server else ""
    return Text(f"camera nói RTSP{named}", f"the camera speaks RTSP{named}")


def refuses(status: int) -> Message:
    """Another refusal of the description."""
    return (
        Text(
            f"camera từ chối mô tả luồng (RTSP {status})", f"the camera refuses to describe the stream (RTSP {status})"
        ),
        Text("khởi động lại camera; kiểm tra số người xem tối đa", "restart the camera; check its limit of viewers"),
    )


def described(codec: str) -> Text:
    """The stream holds video."""
    return Text(f"luồng hình {codec}", f"{codec} video")


def key_frame(width: int, height: int, after_s: float, every_s: float | None, *, slow: bool) -> Text:
    """The first picture came."""
    often = "?" if every_s is None else f"{every_s:g}"
    hint = Text(" (nên đặt 2 giây)", " (2 s would be better)") if slow else Text()
    return Text(
        f"hình {width}x{height} sau {after_s:.1f} giây, khung hình khóa mỗi {often} giây{hint.vi}",
        f"{width}x{height} after {after_s:.1f} s, a key frame every {often} s{hint.en}",
    )


def rate(fps: float) -> Text:
    """Pictures a second, measured."""
    return Text(f"{fps:g} hình mỗi giây", f"{fps:g} pictures a second")


def clock(ahead_s: float, *, agrees: bool) -> Text:
    """The camera's clock can be used; where it does not agree with ours, only when it is told at once."""
    hint = (
        Text()
        if agrees
        else Text(
            ": nên đặt máy chủ NTP trên camera; nếu camera báo giờ trễ thì dùng giờ hình đến",
            ": better set an NTP server on the camera; where it tells its clock late, the time of arrival is used",
        )
    )
    return Text(
        f"giờ của chính camera (RTCP), lệch {ahead_s:+.1f} giây{hint.vi}",
        f"the camera's own clock (RTCP), off by {ahead_s:+.1f} s{hint.en}",
    )


def wrong_clock(ahead_s: float) -> Message:
    """The camera's clock is too far off to be used."""
    return (
        Text(f"giờ camera lệch {ahead_s:+.0f} giây", f"the camera's clock is off by {ahead_s:+.0f} s"),
        Text("đặt máy chủ NTP trên camera, múi giờ +07:00", "set an NTP server on the camera, time zone +07:00"),
    )
