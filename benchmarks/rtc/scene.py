"""A scene for a browser's camera: a face on a known path, and each frame's number in its pixels.

`SCENE` makes the page's next getUserMedia give the scene; `LOOK` reads what the page shows of it.
The number stands along the top in cells of 32 px: 16 bits, then a checksum of 4.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import av
import cv2
import numpy as np

from stream.sources.demo import CLIP
from stream.types import Pixels

FPS: Final = 30
WIDTH_PX: Final = 640
CROP_PX: Final = 340
FACE_PX: Final = (459, 245)
"""Where the demo's first picture has the middle of the face: the `FACE_CENTRE` that
scripts/make_demo_clip.py moves there."""

SCENE: Final = """async ({ portrait, side, fps }) => {
  const image = new Image();
  image.src = portrait;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const ink = canvas.getContext("2d");
  const place = (number) => {
    const turn = (2 * Math.PI * number) / fps;
    return [320 + 110 * Math.sin(turn / 3.2), 270 + 25 * Math.sin(turn / 2.3)];
  };
  const drawn = new Map();
  let number = 0;
  const draw = () => {
    number = (number + 1) % 65536;
    ink.fillStyle = "#6a6f78";
    ink.fillRect(0, 0, 640, 480);
    const [x, y] = place(number);
    ink.drawImage(image, x - side / 2, y - side / 2);
    const sum = [0, 4, 8, 12].reduce((total, at) => total + ((number >> at) & 15), 0) & 15;
    const code = (number << 4) | sum;
    for (let cell = 0; cell < 20; cell++) {
      ink.fillStyle = (code >> (19 - cell)) & 1 ? "#fff" : "#000";
      ink.fillRect(cell * 32, 0, 32, 32);
    }
    drawn.set(number, performance.now());
    drawn.delete(number - 600);
  };
  setInterval(draw, 1000 / fps);
  const track = canvas.captureStream(fps).getVideoTracks()[0];
  navigator.mediaDevices.getUserMedia = async () => new MediaStream([track.clone()]);
  const first = { clickMs: 0, scoreMs: 0 };
  window.scene = { drawn, place, first };
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given);
      if (!/scores/.test(this.url)) return;
      this.addEventListener("message", ({ data }) => {
        if (first.scoreMs || !first.clickMs) return;
        const { faces } = JSON.parse(data);
        const scored = faces.some((face) => face.frame_probability_fake !== null);
        if (scored) first.scoreMs = performance.now();
      });
    }
  };
}"""

CLICK: Final = """() => {
  window.scene.first.clickMs = performance.now();
  document.querySelector("[data-testid=own-start]").click();
}"""

FIRST: Final = """() => {
  const { clickMs, scoreMs } = window.scene.first;
  return scoreMs && scoreMs - clickMs;
}"""

LOOK: Final = """async (seconds) => {
  const canvas = document.querySelector("[data-testid=picture]");
  const ink = canvas.getContext("2d");
  const { drawn, place } = window.scene;
  const until = performance.now() + seconds * 1000;
  const samples = [];
  let last = "";
  while (performance.now() < until) {
    await new Promise(requestAnimationFrame);
    const { frameSeq, exact, boxesPx } = canvas.dataset;
    if (frameSeq === last) continue;
    last = frameSeq;
    // The picture stands in the middle of the canvas, as large as it fits.
    const scale = Math.min(canvas.width / 640, canvas.height / 480);
    const left = (canvas.width - 640 * scale) / 2;
    const top = (canvas.height - 480 * scale) / 2;
    const row = ink.getImageData(0, Math.round(top + 16 * scale), canvas.width, 1).data;
    let code = 0;
    for (let cell = 0; cell < 20; cell++) {
      code = (code << 1) | (row[4 * Math.round(left + (cell * 32 + 16) * scale)] > 128 ? 1 : 0);
    }
    const number = code >> 4;
    const sum = [0, 4, 8, 12].reduce((total, at) => total + ((number >> at) & 15), 0) & 15;
    const read = sum === (code & 15) && drawn.has(number);
    samples.push({
      read, number, exact: exact === "true", face: place(number), boxes: JSON.parse(boxesPx),
      ageMs: read ? performance.now() - drawn.get(number) : null,
    });
  }
  return samples;
}"""


def portrait() -> Pixels:
    """The public-domain portrait of the demo, its face in the middle: RGB, `CROP_PX` square."""
    with av.open(str(CLIP)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
    left, top = (middle - CROP_PX // 2 for middle in FACE_PX)
    return np.ascontiguousarray(pixels[top : top + CROP_PX, left : left + CROP_PX])


def scene() -> dict[str, Any]:
    """What `SCENE` takes."""
    _, png = cv2.imencode(".png", portrait()[..., ::-1])
    picture = "data:image/png;base64," + base64.b64encode(png.tobytes()).decode()
    return {"portrait": picture, "side": CROP_PX, "fps": FPS}


def off_px(sample: dict[str, Any]) -> float:
    """How far the only box's middle is from where the face is in the same picture."""
    ((x1, y1, x2, y2),) = sample["boxes"]
    x, y = sample["face"]
    return float(np.hypot((x1 + x2) / 2 - x, (y1 + y2) / 2 - y))
