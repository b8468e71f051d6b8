"""GRID as its hosts give it, made of clips that a test has: archives in both layouts, alignments, a folder."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import av

from dheads_model.corpora.grid.names import sentence_of

HOME = {"video": "{speaker}/video/{speaker}.mpg_vcd.zip", "alignments": "{speaker}/align/{speaker}.tar"}
ARCHIVE = {"video": "record/{speaker}.zip", "alignments": "record/alignments.zip"}


def alignment(sentence: str, first: int = 10_000, step: int = 5_000) -> str:
    """Text of the .align file of a sentence's code: words of equal length between silences."""
    lines, start = [f"0 {first} sil"], first
    for word in sentence_of(sentence).split():
        lines.append(f"{start} {start + step} {word}")
        start += step
    return "\n".join([*lines, f"{start} 74500 sil"]) + "\n"


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A zip with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar with these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def home_files(clips: Mapping[int, Mapping[str, bytes]]) -> dict[str, bytes]:
    """Files of the corpus' home, by path, from {speaker: {sentence: bytes of its clip}}."""
    files = {}
    for number, sentences in clips.items():
        name = f"s{number}"
        files[HOME["video"].replace("{speaker}", name)] = zip_of(
            {f"{name}/{code}.mpg": content for code, content in sentences.items()} | {f"{name}/Thumbs.db": b"thumbs"}
        )
        files[HOME["alignments"].replace("{speaker}", name)] = tar_of(
            {f"align/{code}.align": alignment(code).encode() for code in sentences}
        )
    return files


def archive_files(clips: Mapping[int, Mapping[str, bytes]]) -> dict[str, bytes]:
    """Files of the corpus' archive, by path, likewise."""
    files = {
        f"record/s{number}.zip": zip_of({f"s{number}/{code}.mpg": content for code, content in sentences.items()})
        for number, sentences in clips.items()
    }
    files["record/alignments.zip"] = zip_of(
        {
            f"alignments/s{number}/{code}.align": alignment(code).encode()
            for number, sentences in clips.items()
            for code in sentences
        }
    )
    return files


def sources(url: str, *layouts: Mapping[str, str]) -> list[dict]:
    """Entries of grid.sources for a host of tests/media_host.py."""
    return [{kind: f"{url}/files/{path}" for kind, path in layout.items()} for layout in layouts]


def lay_out(folder: Path, clips: Mapping[int, Mapping[str, bytes]], videos: str = "video/mpg_6000") -> Path:
    """The clips and their alignments as a folder, videos of a speaker in sN/`videos`."""
    for number, sentences in clips.items():
        for code, content in sentences.items():
            written = {f"{videos}/{code}.mpg": content}
            if sentence_of(code):
                written[f"align/{code}.align"] = alignment(code).encode()
            for path, text in written.items():
                place = folder / f"s{number}" / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(text)
    return folder


def as_mpg(source: Path, seconds: float = 0.8) -> bytes:
    """The beginning of a clip in GRID's formats: MPEG program stream, MPEG-1 video at 25 frames/s, MP2 at 44.1 kHz."""
    buffer = io.BytesIO()
    with av.open(str(source)) as opened, av.open(buffer, "w", format="mpeg") as made:
        picture = opened.streams.video[0]
        video = made.add_stream("mpeg1video", rate=25)
        video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
        video.bit_rate = 2_000_000
        sound = made.add_stream("mp2", rate=44_100, layout="mono")
        resampler = av.AudioResampler(format="s16", layout="mono", rate=44_100)
        count = 0
        for frame in opened.decode(video=0, audio=0):
            if frame.time > seconds:
                break
            if isinstance(frame, av.VideoFrame):
                while count / 25 <= frame.time:
                    picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="yuv420p"), format="yuv420p")
                    picture.pts = count
                    made.mux(video.encode(picture))
                    count += 1
            else:
                for part in resampler.resample(frame):
                    made.mux(sound.encode(part))
        made.mux(video.encode(None))
        made.mux(sound.encode(None))
    return buffer.getvalue()
