"""Verdicts and reasons as a person reads them; no state says "real" or "verified"."""

from __future__ import annotations

from typing import Final

from stream.files.result import State
from stream.types import FaceState, Reason

STATES: Final[dict[State, str]] = {
    FaceState.FAKE: "Fake",
    FaceState.SUSPICIOUS: "Suspicious",
    FaceState.NO_EVIDENCE: "No evidence",
    FaceState.UNDECIDED: "Undecided",
    "no_face": "No face",
}
MEANINGS: Final[dict[State, str]] = {
    FaceState.FAKE: "Traces of face swapping were found, enough of them to raise an alarm.",
    FaceState.SUSPICIOUS: "Some traces of face swapping were found, too few to raise an alarm.",
    FaceState.NO_EVIDENCE: "No traces of the methods that this detector has learnt were found. "
    "That does not mean that the clip is real.",
    FaceState.UNDECIDED: "Nothing can be said: the faces were in sight too briefly, or too poorly.",
    "no_face": "No face was found, so nothing was judged.",
}
REASONS: Final[dict[Reason, str]] = {
    Reason.FACE_TOO_SMALL: "the face is too small in the picture",
    Reason.BLURRED: "the picture is blurred",
    Reason.COMPRESSED: "the clip is strongly compressed, which hides traces",
    Reason.EXTREME_POSE: "the head is turned too far away",
    Reason.UNDER_EXPOSED: "the face is too dark",
    Reason.OVER_EXPOSED: "the face is too bright",
    Reason.DECODE_ERRORS: "pictures were damaged and could not be decoded cleanly",
    Reason.OUT_OF_FRAME: "the face lies partly outside the picture",
    Reason.LOW_CONFIDENCE: "it can hardly be recognised as a face",
    Reason.FEW_SAMPLES: "too few of its pictures were scored",
    Reason.LOW_QUALITY: "the picture is too poor to judge",
    Reason.LONG_UNDECIDED: "nothing could be said for a long time",
}
LIMITS: Final = (
    "The detector sees traces of the methods that it was trained on, and of no others. It never "
    "says that anybody is real.",
    "Wholly synthetic video, reenactment without compositing, and voices are not seen at all.",
    "Strong compression, small faces and poor light hide traces; what could not be judged is shown "
    "as undecided, and is no sign of either.",
    "Probabilities assume that half of all clips are fake. Where one in a thousand is, most alarms "
    "are false ones: use this as one signal among several.",
    "The heat map shows where the network saw what it counts as traces. It explains the score, and "
    "proves nothing.",
)
