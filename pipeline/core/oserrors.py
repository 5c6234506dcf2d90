"""Why a file or a port cannot be had, in both languages."""

from __future__ import annotations

import errno

from pipeline.core.alerts import Text

_IN_VIETNAMESE = {
    errno.ENOENT: "không có tệp hoặc thư mục này",
    errno.EACCES: "không có quyền",
    errno.EPERM: "không được phép",
    errno.EISDIR: "đây là thư mục",
    errno.ENOTDIR: "đây không phải thư mục",
    errno.ENOSPC: "đĩa đã đầy",
    errno.EROFS: "đĩa chỉ cho đọc",
    errno.EADDRINUSE: "cổng đang có chương trình khác dùng",
    errno.EADDRNOTAVAIL: "máy này không có địa chỉ đó",
    errno.ENETUNREACH: "không có đường mạng",
    errno.ENODEV: "không có thiết bị đó",
}


def why(error: OSError) -> Text:
    """The system's reason; one that is not among the usual ones as its number in Vietnamese."""
    return Text(_IN_VIETNAMESE.get(error.errno or 0, f"lỗi hệ thống {error.errno}"), error.strerror or str(error))
