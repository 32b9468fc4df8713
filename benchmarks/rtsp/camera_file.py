"""Turns any video into one as a camera sends it, to be forwarded without re-encoding."""

from __future__ import annotations

from pathlib import Path

import av


def as_camera_sends(source: Path, target: Path, seconds: float = 20.0) -> Path:
    """Encode the first `seconds` of `source` into `target` (.mp4): H.264 without B-frames, a
    keyframe each second, no sound.

    Films have B-frames, which make every picture wait for later ones, at 30 fps by 66 ms; cameras
    that are watched live leave them out. A latency measured over a film would measure that.
    """
    with av.open(str(source)) as film, av.open(str(target), "w") as camera:
        pictures = film.streams.video[0]
        rate = pictures.average_rate or 25
        options = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": str(round(rate))}
        stream = camera.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = pictures.width, pictures.height, "yuv420p"
        for frame in film.decode(pictures):
            if frame.time is not None and frame.time > seconds:
                break
            frame.pict_type = 0
            camera.mux(stream.encode(frame))
        camera.mux(stream.encode(None))
    return target
