"""The channel between a face and the detector: camera, codecs, call and window.

`sample` draws one as training meets it; `levels` gives one alone, at a known strength.
"""

from training.channel.channel import STRENGTHS, Channel, Strength, sample

__all__ = ["STRENGTHS", "Channel", "Strength", "sample"]
