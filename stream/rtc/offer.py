"""Offer: a peer's SDP, read and judged before anything is built for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription, candidate_from_sdp

from stream.refusals import BadOffer, Unsupported

MOST_MEDIA: Final = 8
MOST_CANDIDATES: Final = 64
"""Each is a place that packets are sent to: an offer must not make a server knock on hundreds."""

Wish = Literal["publish", "watch"]
_DIRECTIONS: Final[dict[Wish, tuple[str, ...]]] = {
    "publish": ("sendonly", "sendrecv"),
    "watch": ("recvonly", "sendrecv"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer that can be answered: `video_mid` names the one video section that it is about,
    `ufrag` the peer's ICE name.
    """

    sdp: str
    video_mid: str
    ufrag: str


def read_offer(text: str, wish: Wish) -> Offer:
    """Read `text` as the offer of a peer that wants to publish or to watch one video.

    Raises: BadOffer, Unsupported.
    """
    if not text.lstrip().startswith("v=0"):
        raise BadOffer("the body is no SDP offer: it begins with v=0")
    try:
        description = SessionDescription.parse(text)
    except Exception as exc:  # aiortc's parser has no error of its own for text that is no SDP
        raise BadOffer("the SDP offer cannot be read: it is damaged or cut short") from exc
    if not 1 <= len(description.media) <= MOST_MEDIA:
        raise BadOffer(f"the offer must have 1 to {MOST_MEDIA} media sections")
    if sum(len(media.ice_candidates) for media in description.media) > MOST_CANDIDATES:
        raise BadOffer(f"the offer must have at most {MOST_CANDIDATES} candidates")
    for media in description.media:
        _check(media)
    mids = [media.rtp.muxId for media in description.media]
    if len(set(mids)) != len(mids) or not all(mids):
        raise BadOffer("every media section needs an a=mid of its own")
    video = _video(description, wish)
    return Offer(text, video.rtp.muxId, (video.ice and video.ice.usernameFragment) or "")


def read_candidates(text: str, offer: Offer) -> list[str]:
    """The candidates of a trickle ICE fragment (RFC 8840) for the offer's video section.

    Raises: BadOffer for a broken fragment; Unsupported for one that restarts ICE.
    """
    found = []
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name == "a=ice-ufrag" and value != offer.ufrag:
            raise Unsupported("ICE cannot be restarted here: end this session and publish anew")
        if name == "a=candidate":
            try:
                candidate_from_sdp(value)
            except Exception as exc:  # as above
                raise BadOffer("a candidate cannot be read") from exc
            found.append(value)
    return found


def _check(media: MediaDescription) -> None:
    if media.kind not in {"audio", "video", "application"}:
        raise Unsupported(f"a section of {media.kind[:32]} cannot be taken: send one video")
    if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
        raise BadOffer("the offer lacks a=ice-ufrag or a=ice-pwd")
    if media.dtls is None or not media.dtls.fingerprints:
        raise BadOffer("the offer lacks a=fingerprint or a=setup")
    if media.kind != "application" and not media.rtcp_mux:
        raise BadOffer("the offer lacks a=rtcp-mux")


def _video(description: SessionDescription, wish: Wish) -> MediaDescription:
    wanted = [
        media
        for media in description.media
        if media.kind == "video" and (media.direction or "sendrecv") in _DIRECTIONS[wish]
    ]
    if len(wanted) != 1:
        verb = "sends" if wish == "publish" else "receives"
        raise Unsupported(f"one video section that {verb} is needed, not {len(wanted)}")
    codecs = {name for codec in wanted[0].rtp.codecs if (name := _name(codec))}
    if not codecs & ({"vp8", "h264"} if wish == "publish" else {"vp8"}):
        raise Unsupported(f"offer {'VP8 or H.264' if wish == 'publish' else 'VP8'} video")
    return wanted[0]


def _name(codec: RTCRtpCodecParameters) -> str:
    return codec.mimeType.rpartition("/")[2].lower()
