"""Image data sets: read as published, refused when they are not, downloaded only if they must be."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import pickle
import struct
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffrender.config import datasets
from diffrender.config.datasets import DATA_DIR, DATA_SETS, DataFile, DataSet
from diffrender.config.sections import Config, TargetConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.targets.images import cifar, plain_pickle
from diffrender.diffusion.targets.images.idx import read_idx
from diffrender.jobs.plan.subject import Subject

RNG = np.random.default_rng(0)


def target(folder: Path = Path(), **keys):
    return build_target(TargetConfig(**keys), folder)


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def batch(count: int = 20, **more) -> bytes:
    data = RNG.integers(0, 256, (count, 3072)).astype(np.uint8)
    return pickle.dumps({b"data": data, b"labels": [k % 10 for k in range(count)], **more}, protocol=2)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No data folder, and an empty cache."""
    monkeypatch.delenv(DATA_DIR, raising=False)
    monkeypatch.setattr(datasets, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("diffrender.diffusion.targets.images.download.cache_folder", lambda: tmp_path / "cache")
    return tmp_path


@pytest.fixture
def small_mnist(nowhere, monkeypatch):
    """A data set of MNIST's form made on the spot, in the data folder; its files by name."""
    images, labels = RNG.integers(0, 256, (30, 28, 28)), np.arange(30) % 10
    files = {"train-images-idx3-ubyte.gz": idx(images), "train-labels-idx1-ubyte.gz": idx(labels)}
    entries = tuple(DataFile(name, md5(data), len(data)) for name, data in files.items())
    made = DataSet("MNIST", ("mnist",), ("http://127.0.0.1:9/",), {"train": entries})
    monkeypatch.setitem(DATA_SETS, "mnist", made)
    folder = nowhere / "data/mnist"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    monkeypatch.setenv(DATA_DIR, str(nowhere / "data"))
    return files, images, labels


# ---- what a target says of itself ----------------------------------------------------------------------------------
def test_photographs_are_squares_of_two_pictures_with_something_in_each():
    photographs = target(kind="photographs")
    x, label = photographs.states()
    assert x.shape == (60, 3, 64, 64) == (60, *photographs.event)
    assert photographs.labels == ("temple", "flower")
    assert np.bincount(label).tolist() == [30, 30]
    raw = x * photographs.scale + photographs.offset
    assert np.abs(raw).max() <= 1.0001
    assert np.allclose(x.mean((0, 2, 3)), 0, atol=1e-4)
    assert np.isclose(np.square(x).mean(), 1, atol=1e-4)
    assert raw.mean(1).std((1, 2)).min() > 0.05, "no square of plain sky"
    from sklearn.datasets import load_sample_images

    whole = np.asarray(load_sample_images().images[0])[:426].reshape(213, 2, 320, 2, 3).mean((1, 3)) / 127.5 - 1
    places = [(top, left) for top in range(0, 150, 32) for left in range(0, 257, 32)]
    cut = np.stack([whole[top : top + 64, left : left + 64].transpose(2, 0, 1) for top, left in places])
    away = np.abs(raw[:30, None] - cut[None]).max((2, 3, 4)).min(1)
    assert away.max() < 0.02, "each is a square of the photograph"
    assert np.abs(raw[30:, None] - cut[None]).max((2, 3, 4)).min() > 0.1, "the control: not those of the other one"


def test_digits_are_centred_and_scaled_by_one_number_each():
    digits = target(kind="digits")
    x, label = digits.states()
    assert digits.event == (1, 8, 8)
    assert digits.offset.shape == (1, 1, 1)
    assert digits.labels == tuple("0123456789")
    assert abs(float(x.mean())) < 1e-6
    assert abs(float(x.std()) - 1) < 1e-6
    raw = x * digits.scale + digits.offset
    assert np.isclose(raw.min(), -1, atol=1e-6)
    assert np.isclose(raw.max(), 1, atol=1e-6)
    assert len(x) == len(label) == 1797


def test_scale_event_and_classes_are_known_without_the_data(nowhere):
    for kind, event in (("mnist", (1, 28, 28)), ("fashion_mnist", (1, 28, 28)), ("cifar10", (3, 32, 32))):
        known = target(kind=kind)
        assert (known.event, len(known.labels)) == (event, 10)
        assert known.offset.shape == (event[0], 1, 1)
        with pytest.raises(DiffrenderError, match="could not be downloaded"):
            known.states()


def test_draws_are_images_of_the_set_and_mirrored_ones_where_that_is_asked():
    digits, mirrored = target(kind="digits", limit=40), target(kind="digits", limit=40, mirror=True)
    plain, both = digits.states()[0], mirrored.states()[0]
    assert len(both) == 80
    assert np.array_equal(both[40:], plain[..., ::-1])
    drawn, label = mirrored.draw_labelled(200, np.random.default_rng(1))
    found = (drawn[:, None] == both[None]).all((2, 3, 4))
    assert found.any(1).all()
    assert found[:, 40:].any(1).mean() > 0.3, "the control: without mirroring none is turned"
    alone = (digits.draw(200, np.random.default_rng(1))[:, None] == plain[None]).all((2, 3, 4))
    assert alone.any(1).all()
    assert len(label) == 200


def test_classes_and_limit_choose_images():
    some = target(kind="digits", classes=[7, "3"], limit=11)
    x, label = some.states()
    assert some.labels == ("7", "3")
    assert np.bincount(label).tolist() == [6, 5]
    every, of = target(kind="digits").states()
    assert np.array_equal(x[label == 0], every[of == 7][:6])
    for wrong in ([3, 3], [], ["horse"]):
        with pytest.raises(ConfigError, match="classes"):
            target(kind="digits", classes=wrong)


def test_large_states_are_not_probed_fifty_thousand_times():
    from diffrender.diffusion.targets.drawn import measured

    asked = []

    def raw(n, rng):
        asked.append(n)
        return rng.normal(3, 2, (n, 3, 32, 32)) + np.array([0.0, 1, 2]).reshape(3, 1, 1)

    found = measured("mine", raw)
    assert max(asked) * 3072 <= 1 << 22
    assert found.offset.shape == (3, 1, 1)
    assert np.allclose(found.offset.ravel(), [3, 4, 5], atol=0.05)
    assert abs(found.scale - 2) < 0.05


# ---- files ---------------------------------------------------------------------------------------------------------
def test_idx_files_are_read_and_their_faults_named(small_mnist, nowhere):
    files, images, labels = small_mnist
    found = target(kind="mnist")
    x, label = found.states()
    assert np.array_equal(np.rint((x * found.scale + found.offset + 1) * 127.5)[:, 0], images)
    assert np.array_equal(label, labels)
    good = files["train-images-idx3-ubyte.gz"]
    for name, data, said in (
        ("short.gz", good[:200], "cut short or damaged"),
        ("words.gz", b"not gzip", "damaged"),
        ("other.gz", gzip.compress(b"\0\0\x0d\x03" + bytes(12)), "not an IDX file of unsigned bytes"),
        ("lies.gz", gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 30, 28, 28) + bytes(99)), "99 are there"),
        ("huge.gz", gzip.compress(struct.pack(">BBBB3I", 0, 0, 8, 3, 1 << 20, 1 << 10, 28)), "claims"),
    ):
        path = nowhere / name
        path.write_bytes(data)
        with pytest.raises(DiffrenderError, match=said) as error:
            read_idx(path, 3)
        assert str(path) in str(error.value)


def test_a_file_that_is_not_the_published_one_is_refused(small_mnist, nowhere):
    path = nowhere / "data/mnist/train-images-idx3-ubyte.gz"
    target(kind="mnist").states()  # the control: as published it is read
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DiffrenderError, match="checksum") as error:
        target(kind="mnist").states()
    assert str(path) in str(error.value)
    assert "copy it again" in str(error.value)


def test_a_data_folder_that_is_not_there_is_named(nowhere, monkeypatch):
    monkeypatch.setenv(DATA_DIR, str(nowhere / "gone"))
    with pytest.raises(DiffrenderError, match="--data-dir"):
        target(kind="mnist").states()


def test_cifar_is_read_from_an_archive_from_all_batches_or_from_some(nowhere, monkeypatch):
    batches = {f"data_batch_{k}": batch() for k in range(1, 6)}
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as archive:
        for name, data in batches.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    packed = memory.getvalue()
    entries = tuple(DataFile(name, md5(data)) for name, data in batches.items())
    whole = DataFile("cifar-10-python.tar.gz", md5(packed))
    monkeypatch.setitem(DATA_SETS, "cifar10", DataSet("CIFAR-10", ("cifar",), (), {"train": entries}, whole))
    monkeypatch.setenv(DATA_DIR, str(nowhere))
    (nowhere / whole.name).write_bytes(packed)
    from_archive, label = target(kind="cifar10").states()
    assert from_archive.shape == (100, 3, 32, 32)
    assert np.bincount(label).tolist() == [10] * 10
    all_of_it = datasets.content("cifar10", "train")
    (nowhere / "cifar").mkdir()
    (nowhere / "cifar/data_batch_2").write_bytes(batches["data_batch_2"])
    some, _ = target(kind="cifar10").states()
    assert np.array_equal(some, from_archive[20:40])
    assert datasets.content("cifar10", "train") == [entries[1].md5], "the key tells some from all"
    assert all_of_it == [entry.md5 for entry in entries]
    (nowhere / "cut.tar.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DiffrenderError, match=r"cut\.tar\.gz: the archive is cut short"):
        target(nowhere, kind="cifar10", file="cut.tar.gz").states()


# ---- pickles -------------------------------------------------------------------------------------------------------
class Hostile:
    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_hostile_batch_runs_nothing(tmp_path):
    mark = tmp_path / "it-ran"
    for protocol in (0, 2, 4, 5):
        data = pickle.dumps({b"data": Hostile(mark), b"labels": []}, protocol)
        with pytest.raises(DiffrenderError, match=r"mkdir'.*nothing of it was run"):
            cifar.read_batch(data, "data_batch_1")
        assert not mark.exists()
    pickle.loads(data)
    assert mark.exists(), "the control: an ordinary unpickler runs it"


@pytest.mark.parametrize("name", ["builtins eval", "os system", "numpy load", "copyreg _reconstructor", "numpy.core x"])
def test_no_name_but_those_of_an_array_is_looked_up(name):
    module, function = name.split()
    data = b"c" + module.encode() + b"\n" + function.encode() + b"\n(S'1'\ntR."
    with pytest.raises(DiffrenderError, match="nothing of it was run"):
        plain_pickle.load(data, "x")


def test_arrays_of_anything_but_bytes_are_refused():
    for array in (np.array([1.0]), np.array(["a"], object), np.array([1, 2]), np.zeros(2, "V3")):
        with pytest.raises(DiffrenderError):
            plain_pickle.load(pickle.dumps(array, 2), "x")
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(plain_pickle.load(pickle.dumps([array], 2), "x")[0], array)


def test_broken_batches_are_named(tmp_path):
    good = batch()
    images, labels = cifar.read_batch(good, "x")
    assert images.shape == (20, 3, 32, 32)
    assert labels.tolist() == [k % 10 for k in range(20)]
    rng = np.random.default_rng(0)
    spoilt = [bytes(rng.integers(0, 256, 300, dtype=np.uint8)) for _ in range(50)]
    spoilt += [good[:n] for n in (0, 1, 50, len(good) - 1)]
    spoilt += [pickle.dumps(value, 2) for value in ([], {}, {b"data": 1}, {b"data": [1], b"labels": [11]})]
    spoilt += [batch(b=1)[:-1], pickle.dumps({b"data": np.zeros((2, 9), np.uint8), b"labels": [0, 1]}, 2)]
    spoilt += [pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 10]}, 2)]
    for data in spoilt:
        with pytest.raises(DiffrenderError, match="batch of 7"):
            cifar.read_batch(data, "batch of 7")


# ---- folders -------------------------------------------------------------------------------------------------------
def folder_of(place: Path, sizes=((12, 10),) * 6, mode="RGB") -> Path:
    for k, size in enumerate(sizes):
        path = place / ("cats" if k % 2 else "dogs") / f"{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        Image.fromarray(RNG.integers(0, 256, shape).astype(np.uint8)).save(path)
    return place


def test_a_folder_is_a_target_and_its_sub_folders_classes(tmp_path):
    folder_of(tmp_path / "pets")
    pets = target(tmp_path, kind="image_folder", path="pets")
    x, label = pets.states()
    assert pets.event == (3, 10, 12)
    assert pets.labels == ("cats", "dogs")
    assert label.tolist() == [0] * 3 + [1] * 3
    first = np.asarray(Image.open(tmp_path / "pets/cats/001.png"))
    assert np.array_equal(np.rint((x[0] * pets.scale + pets.offset + 1) * 127.5), first.transpose(2, 0, 1))
    assert np.allclose(x.mean((0, 2, 3)), 0, atol=1e-5)
    assert abs(float(np.square(x).mean()) - 1) < 1e-5
    grey = target(tmp_path, kind="image_folder", path="pets", grey=True, resize=8)
    assert grey.event == (1, 8, 8)
    assert target(tmp_path, kind="image_folder", path="pets/cats").labels is None


def test_mixed_sizes_are_refused_or_resized(tmp_path):
    folder_of(tmp_path / "pets", ((12, 10), (12, 10), (12, 10), (9, 10)))
    with pytest.raises(DiffrenderError, match=r"(?s)003\.png: is 9 × 10, but 001\.png is 12 × 10.*resize"):
        target(tmp_path, kind="image_folder", path="pets")
    assert target(tmp_path, kind="image_folder", path="pets", resize=16).event == (3, 16, 16)


def test_one_broken_image_among_many_is_named(tmp_path):
    folder_of(tmp_path / "pets", ((8, 8),) * 60)
    good = (tmp_path / "pets/dogs/040.png").read_bytes()
    for data in (good[:60], b"", b"words"):
        (tmp_path / "pets/dogs/040.png").write_bytes(data)
        with pytest.raises(DiffrenderError, match=r"dogs/040\.png: not an image that can be read"):
            target(tmp_path, kind="image_folder", path="pets")
    (tmp_path / "pets/dogs/040.png").write_bytes(good)
    assert len(target(tmp_path, kind="image_folder", path="pets").states()[0]) == 60


def test_folders_that_hold_nothing_or_too_much_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DiffrenderError, match="no images"):
        target(tmp_path, kind="image_folder", path="empty")
    with pytest.raises(DiffrenderError, match="no such folder"):
        target(tmp_path, kind="image_folder", path="gone")
    folder_of(tmp_path / "pets")
    Image.new("RGB", (12, 10)).save(tmp_path / "pets/loose.png")
    with pytest.raises(DiffrenderError, match=r"loose\.png: lies beside sub-folders"):
        target(tmp_path, kind="image_folder", path="pets")
    Image.new("L", (9, 9), 7).save(tmp_path / "empty/plain.png")
    with pytest.raises(DiffrenderError, match="plain colour"):
        target(tmp_path, kind="image_folder", path="empty")


# ---- downloads -----------------------------------------------------------------------------------------------------
@pytest.fixture
def server(small_mnist, nowhere, monkeypatch):
    """The small data set, published: a server that can break off, and what was asked of it."""
    files, *_ = small_mnist
    asked: list[tuple[str, str | None]] = []
    behaviour = {"at_most": 1 << 30, "changed": False}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, wanted = self.path.strip("/"), self.headers.get("Range")
            asked.append((name, wanted))
            data = files[name][::-1] if behaviour["changed"] else files[name]
            first = int(wanted.split("=")[1].rstrip("-")) if wanted else 0
            if first >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(data) - first))
            self.end_headers()
            self.wfile.write(data[first : first + behaviour["at_most"]])

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    old = DATA_SETS["mnist"]
    url = f"http://127.0.0.1:{running.server_port}/"
    monkeypatch.setitem(DATA_SETS, "mnist", DataSet("MNIST", ("mnist",), (url,), old.splits))
    monkeypatch.delenv(DATA_DIR)
    yield asked, behaviour
    running.shutdown()
    running.server_close()


def test_a_download_is_kept_and_not_made_twice(server, small_mnist):
    asked, _ = server
    assert len(target(kind="mnist").states()[0]) == 30
    assert len(asked) == 2
    assert len(target(kind="mnist").states()[0]) == 30
    assert len(asked) == 2


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, small_mnist, nowhere):
    asked, behaviour = server
    behaviour["at_most"] = 20_000
    with pytest.raises(DiffrenderError, match="could not be downloaded"):
        target(kind="mnist").states()
    part = nowhere / "cache/mnist/train-images-idx3-ubyte.gz.part"
    came = part.stat().st_size
    assert 0 < came <= 20_000
    behaviour["at_most"] = 1 << 30
    assert len(target(kind="mnist").states()[0]) == 30
    assert ("train-images-idx3-ubyte.gz", f"bytes={came}-") in asked
    assert not part.exists()


def test_a_download_with_another_checksum_is_not_kept(server, small_mnist, nowhere):
    _, behaviour = server
    behaviour["changed"] = True
    with pytest.raises(DiffrenderError, match="another checksum than the published one"):
        target(kind="mnist").states()
    assert not (nowhere / "cache/mnist/train-images-idx3-ubyte.gz").exists()
    behaviour["changed"] = False
    assert len(target(kind="mnist").states()[0]) == 30


def test_one_process_at_a_time_downloads(server, nowhere, monkeypatch):
    from diffrender.core.files import locked
    from diffrender.diffusion.targets.images import download

    asked, _ = server
    monkeypatch.setattr(download, "POLL_SECONDS", 0.01)
    with locked(nowhere / "cache/mnist/mnist.lock", DiffrenderError("busy")):
        waiting = threading.Thread(target=lambda: target(kind="mnist").states())
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert asked == []
    waiting.join(20)
    assert len(asked) == 2


def test_without_a_network_it_is_said_what_to_do(small_mnist, monkeypatch):
    monkeypatch.delenv(DATA_DIR)
    with pytest.raises(DiffrenderError, match="cannot be reached") as error:
        target(kind="mnist").states()
    for word in ("--data-dir", "digits", "train-images-idx3-ubyte.gz"):
        assert word in str(error.value)


# ---- keys ----------------------------------------------------------------------------------------------------------
def test_the_content_key_covers_the_images(tmp_path, monkeypatch):
    folder_of(tmp_path / "pets")
    config = tmp_path / "pets.yaml"
    config.write_text("target: {kind: image_folder, path: pets}\nmodel: exact\n")
    monkeypatch.chdir(tmp_path)

    def key():
        return Subject.of("pets.yaml").sample().key

    before = key()
    assert key() == before
    Image.new("RGB", (12, 10), "red").save(tmp_path / "pets/cats/001.png")
    changed = key()
    assert changed != before
    (tmp_path / "pets/cats/001.png").rename(tmp_path / "pets/dogs/001.png")
    assert key() != changed, "another class is another set"


def test_a_config_of_images_reads(tmp_path):
    assert Config.model_validate({"target": {"kind": "mnist", "classes": [3, 7]}}).target.params["classes"] == [3, 7]
