"""WebRTC: peers that publish (WHIP) and peers that watch (WHEP); aiortc does the media."""
