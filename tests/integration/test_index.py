"""stoker index: what it makes of a source, what it keeps, and where it goes on."""

import fcntl
import json
import os
import pty
import resource
import shutil
import signal

import pytest

import dataset
from command import finish, launch_stoker, refused, sentence, stoker

NAME = ".stoker-index"


def index(*words):
    return json.loads(stoker("index", *words, "--json"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """24 pictures large enough for entry points, in 3 classes."""
    root = tmp_path_factory.mktemp("drawn")
    for number in range(24):
        data = dataset.jpeg(number, 200 + 5 * number, 240, quality=95, subsampling=number % 3)
        dataset.write(root, f"class{number % 3}/{number:02}.jpg", data)
    return root


@pytest.fixture
def pictures(drawn, tmp_path):
    """A copy of them, to be changed."""
    return shutil.copytree(drawn, tmp_path / "data")


def test_an_index_is_made_beside_the_data(pictures):
    told = index(pictures)
    assert told["index"] == f"{pictures}/{NAME}" and os.path.exists(told["index"])
    assert not os.path.exists(told["index"] + ".part")
    assert (told["samples"], told["with_entries"], told["decoded"]) == (24, 24, 24)
    assert told["bytes"] == os.path.getsize(told["index"])
    assert told["data_bytes"] == sum(file.stat().st_size for file in pictures.rglob("*.jpg"))
    assert told["bytes"] <= 0.025 * told["data_bytes"] and told["bad"] == []
    out = stoker("index", pictures, "--threads", 2)
    assert "24 samples, 24 with entry points" in out and "24 kept as they were" in out


def test_every_reason_for_no_entry_points_is_counted(good, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(good, root)
    dataset.write(root, "ant/cut.jpg", dataset.truncated())
    dataset.write(root, "ant/text.jpg", b"no picture")
    dataset.write(root, "ant/empty.jpg", b"")
    told = index(root)
    assert told["samples"] == 63 and told["corrupt"] == 2 and told["unreadable"] == 1
    # CMYK and progressive ones, of eight kinds four.
    assert told["foreign"] == 30 - 60 % 8 // 2 + sum(
        1 for i in range(56, 60) if i % 8 in (4, 5, 6, 7)
    )
    assert sum(told[key] for key in ("with_entries", "foreign", "cramped", "corrupt")) == 62
    assert [row["path"] for row in told["bad"]] == ["ant/cut.jpg", "ant/empty.jpg", "ant/text.jpg"]
    assert all(row["reason"] for row in told["bad"])
    again = index(root)
    assert (again["decoded"], again["kept"], again["corrupt"]) == (0, 62, 2)


def test_only_new_and_changed_files_are_decoded_again(pictures, tmp_path):
    out = tmp_path / "index"
    index(pictures, "--out", out)
    dataset.write(pictures, "class0/00.jpg", dataset.jpeg(99, 220, 220, quality=95))
    dataset.write(pictures, "class1/new.jpg", dataset.jpeg(98, 220, 220, quality=95))
    os.utime(pictures / "class2/02.jpg", ns=(1, 1))
    os.remove(pictures / "class2/05.jpg")
    told = index(pictures, "--out", out)
    assert (told["samples"], told["decoded"], told["kept"]) == (24, 3, 21)
    assert told["others_dropped"] == 1
    assert not (pictures / NAME).exists()


def test_what_was_interrupted_is_gone_on_with(pictures, tmp_path):
    out, part = tmp_path / "index", tmp_path / "index.part"
    index(pictures, "--out", out)
    data = out.read_bytes()
    out.unlink()
    part.write_bytes(data[: len(data) // 2])
    told = index(pictures, "--out", out)
    assert 4 < told["kept"] < 20 and told["kept"] + told["decoded"] == 24
    assert not part.exists() and index(pictures, "--out", out)["kept"] == 24


def test_a_damaged_index_is_made_anew(pictures, tmp_path):
    out = tmp_path / "index"
    index(pictures, "--out", out)
    data = bytearray(out.read_bytes())
    data[len(data) // 2] ^= 16
    out.write_bytes(data)
    assert index(pictures, "--out", out)["decoded"] in (1, 2)
    out.write_bytes(b"no index")
    assert index(pictures, "--out", out)["decoded"] == 24
    assert index(pictures, "--out", out)["kept"] == 24


def test_sources_of_one_root_share_an_index(pictures):
    names = sorted(os.fspath(path.relative_to(pictures)) for path in pictures.rglob("*.jpg"))
    for name, part in (("train", names[:16]), ("val", names[16:])):
        lines = ["path,label"] + [f"{path},{path.split('/')[0]}" for path in part]
        (pictures / f"{name}.csv").write_text("\n".join(lines) + "\n")
    assert index(f"csv:{pictures}/train.csv")["decoded"] == 16
    told = index(f"csv:{pictures}/val.csv")
    assert (told["decoded"], told["others_kept"]) == (8, 16)
    os.remove(pictures / names[3])
    told = index(f"csv:{pictures}/val.csv")
    assert (told["kept"], told["others_kept"], told["others_dropped"]) == (8, 15, 1)
    shutil.move(pictures / "val.csv", pictures.parent)
    told = index(f"csv:{pictures.parent}/val.csv", "--root", pictures)
    assert told["kept"] == 8 and told["index"] == f"{pictures}/{NAME}"


def test_two_do_not_make_one_index(pictures, tmp_path):
    out, part = tmp_path / "index", tmp_path / "index.part"
    with open(part, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another process" in refused("index", pictures, "--out", out)
    assert index(pictures, "--out", out)["decoded"] == 24


def test_a_full_disk_fails_and_is_gone_on_from(pictures, tmp_path):
    out = tmp_path / "index"

    def leave_little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    process = launch_stoker("index", pictures, "--out", out, preexec_fn=leave_little_room)
    assert "cannot write the index" in sentence(finish(process, status=1)[1])
    assert not out.exists()
    told = index(pictures, "--out", out)
    assert told["kept"] > 2 and told["kept"] + told["decoded"] == 24


def test_a_terminal_has_a_bar_and_nobody_else(pictures):
    above, below = pty.openpty()
    process = launch_stoker("index", pictures, stderr=below, text=False)
    os.close(below)
    shown = b""
    try:
        while piece := os.read(above, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    out, _ = process.communicate()
    os.close(above)
    assert process.returncode == 0 and b"of 24, 0 bad" in shown
    assert b"[" not in out


def test_what_cannot_be_is_said(tmp_path, pictures):
    assert "no folder" in refused("index", tmp_path / "none")
    assert "cannot begin" in refused("index", pictures, "--out", tmp_path / "none" / "index")
    refused("index", status=2)
    refused("index", pictures, "--threads", "0", status=2)
