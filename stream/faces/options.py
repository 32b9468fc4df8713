"""Settings of face detection and tracking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FacesOptions:
    """Defaults are facenet-pytorch's, but for the minimum size.

    `min_face_px` is the speed knob: the first level of the image pyramid shrinks with its square.
    `thresholds` are P-Net's, R-Net's and O-Net's confidences. The full cascade runs every
    `detect_interval_s` of media time, on parts of the picture every `search_interval_s`: see
    `stream.faces.search`. In between O-Net alone follows each face, every `follow_interval_s`, more
    often while one moves unsteadily, 0 for on every frame. A face out of sight for `lost_after_s`
    is forgotten; a face must be seen `confirm_hits` times to be reported, but one of which the
    cascade is surer than `sure_confidence` only once (95 % of the faces in the data folder's clips,
    2 of 28 false alarms); 1 is for none. At most `max_faces` (the largest) are followed.
    """

    min_face_px: int = 40
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    detect_interval_s: float = 3.0
    search_interval_s: float = 0.25
    follow_interval_s: float = 0.25
    lost_after_s: float = 1.5
    confirm_hits: int = 2
    sure_confidence: float = 0.99
    max_faces: int = 16

    def __post_init__(self) -> None:
        if self.min_face_px < 12:
            raise ValueError("min_face_px must be at least 12, the size of P-Net's cell")
        if not all(0 < t < 1 for t in self.thresholds):
            raise ValueError("thresholds must lie between 0 and 1")
        if not 0.3 <= self.factor < 1:
            raise ValueError("factor must lie between 0.3 and 1")
        intervals = (self.detect_interval_s, self.search_interval_s, self.follow_interval_s)
        if min(*intervals, self.lost_after_s) < 0:
            raise ValueError("intervals cannot be negative")
        if self.confirm_hits < 1 or self.max_faces < 1:
            raise ValueError("confirm_hits and max_faces must be at least 1")
