"""Files that someone else may have made are read only if they are files, and not too large."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from flowgif.errors import UnusableInput
from flowgif.files.reading import check_regular, read_regular


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(100))
    assert read_regular(path, 100) == bytes(100)
    with pytest.raises(UnusableInput, match="more than 99 bytes"):
        read_regular(path, 99)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 10)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_links_folders_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "zero", "loop", "folder", "pipe"):
        with pytest.raises(UnusableInput, match="is a link, folder, pipe or device"):
            read_regular(tmp_path / name, 10)
        with pytest.raises(UnusableInput, match="is a link, folder, pipe or device"):
            check_regular(tmp_path / name)
    with pytest.raises(UnusableInput, match="is a link, folder, pipe or device"):
        read_regular(Path("/dev/zero"), 10)
    check_regular(tmp_path / "file")
    check_regular(tmp_path / "none")
