"""A peer made of GStreamer's webrtcbin, for Debian's own Python: ``webrtcbin.py publish|watch URL
vp8|h264``. What it saw it says as one line of JSON, once five messages (and pictures) have come.
"""

import json
import sys
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402  after the versions

ENOUGH = 5
RAW = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1"
CODED = {
    "vp8": "vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96",
    "h264": "x264enc tune=zerolatency key-int-max=30 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay aggregate-mode=zero-latency config-interval=-1 pt=96",
}
WATCHED = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96"


class Peer:
    def __init__(self, wish: str, url: str, codec: str) -> None:
        self.wish, self.url = wish, url
        self.loop = GLib.MainLoop()
        self.messages: list[object] = []
        self.pictures = 0
        rtc = "webrtcbin name=rtc bundle-policy=max-bundle"
        sent = f"{RAW} ! {CODED[codec]} ! rtc.sink_0 {rtc}"
        self.pipeline = Gst.parse_launch(sent if wish == "publish" else f"{rtc} fakesrc ! fakesink")
        self.rtc = self.pipeline.get_by_name("rtc")
        self.asked = False
        # Who only watches knows all that it asks for before it starts: heard of sooner, the wish to
        # negotiate would now and then come between the transceiver and the data channel.
        if wish == "publish":
            self.rtc.connect("on-negotiation-needed", self.offer)
        self.rtc.connect("notify::ice-gathering-state", self.gathered)
        self.rtc.connect("pad-added", self.receive)
        self.pipeline.set_state(Gst.State.READY)
        if wish == "watch":
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            self.rtc.emit("add-transceiver", direction, Gst.Caps.from_string(WATCHED))
        options = Gst.Structure.from_string("x,ordered=(boolean)false,max-retransmits=(int)0")[0]
        self.scores = self.rtc.emit("create-data-channel", "scores", options)
        self.scores.connect("on-message-string", self.hear)

    def run(self) -> None:
        self.pipeline.set_state(Gst.State.PLAYING)
        if self.wish == "watch":
            self.offer(self.rtc)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)

    def offer(self, rtc: object) -> None:
        promise = Gst.Promise.new_with_change_func(self.offered)
        self.rtc.emit("create-offer", None, promise)

    def offered(self, promise: object) -> None:
        promise.wait()
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.rtc.emit("set-local-description", offer, Gst.Promise.new())

    def gathered(self, rtc: object, prop: object) -> None:
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if self.rtc.get_property("ice-gathering-state") == complete and not self.asked:
            self.asked = True
            GLib.idle_add(self.ask)

    def ask(self) -> bool:
        sdp = self.rtc.get_property("local-description").sdp.as_text()
        headers = {"Content-Type": "application/sdp"}
        request = urllib.request.Request(self.url, sdp.encode(), headers, method="POST")
        with urllib.request.urlopen(request) as response:
            self.status = response.status
            self.place = urllib.parse.urljoin(self.url, response.headers["Location"])
            answer = response.read()
        _, message = GstSdp.SDPMessage.new()
        GstSdp.sdp_message_parse_buffer(answer, message)
        described = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.rtc.emit("set-remote-description", described, Gst.Promise.new())
        return False

    def hear(self, channel: object, text: str) -> None:
        self.messages.append(json.loads(text))
        self.judge()

    def receive(self, rtc: object, pad: object) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        sink = Gst.parse_bin_from_description("rtpvp8depay ! vp8dec ! fakesink name=end", True)
        sink.get_by_name("end").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self.saw)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad("sink"))

    def saw(self, pad: object, info: object) -> object:
        self.pictures += 1
        self.judge()
        return Gst.PadProbeReturn.OK

    def judge(self) -> None:
        if len(self.messages) >= ENOUGH and (self.wish == "publish" or self.pictures >= ENOUGH):
            self.loop.quit()

    def end(self) -> int:
        request = urllib.request.Request(self.place, method="DELETE")
        with urllib.request.urlopen(request) as response:
            return response.status


Gst.init(None)
peer = Peer(*sys.argv[1:])
peer.run()
said = {"status": peer.status, "pictures": peer.pictures, "messages": peer.messages}
sys.stdout.write(json.dumps({**said, "ended": peer.end()}) + "\n")
