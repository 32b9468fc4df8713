"""A real RTSP server for tests and benchmarks. Runs under Debian's python3, which has `gi`.

    /usr/bin/python3 benchmarks/rtsp/server.py [--port N] [--size WxH] [--fps N] [--file CLIP.mp4]

Mounts on 127.0.0.1; /secret has a port of its own, since the server asks for a password on all
mounts or none:
  /clock    H.264 with the wall clock burnt into every picture (`encode_time` has the layout)
  /mjpeg    the same picture as motion JPEG
  /mute     the same as /clock, but the server sends no RTCP, so nobody learns its wall clock
  /secret   on the other port: the same as /clock, for USER and PASSWORD only (Digest)
  /file     the H.264 of CLIP.mp4, forwarded as it is, over and over, at its own pace
  /audio    sound without pictures

Writes one JSON line, {"port": N, "secret_port": M}, when it listens, and ends when its standard
input closes: a test run that dies leaves no server behind.
"""

import argparse
import binascii
import json
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

USER, PASSWORD = "viewer", "w0rd:of/odd@signs"
CELL_PX, COLUMNS, ROWS = 32, 16, 4
UNITS_PER_S = 10_000  # 100 microseconds; 48 bits of them reach beyond the year 2800
X264 = (
    "x264enc tune=zerolatency speed-preset=ultrafast threads=1 sliced-threads=false "
    "key-int-max=15 bitrate=2000 ! h264parse config-interval=-1 ! "
    "rtph264pay name=pay0 pt=96 config-interval=-1"
)


def encode_time(unix_s):
    """The 64 cells, row by row, most significant bit first: 48 bits of time in units of 100
    microseconds, then their CRC-16 (binascii.crc_hqx over the six bytes, from 0).
    """
    raw = int(unix_s * UNITS_PER_S).to_bytes(6, "big")
    whole = raw + binascii.crc_hqx(raw, 0).to_bytes(2, "big")
    return [byte >> bit & 1 for byte in whole for bit in range(7, -1, -1)]


def draw(width, height, number, unix_s):
    """One I420 picture: a gradient that wanders, and from the top left corner the time's cells."""
    ramp = bytes(64 + (x * 128 // width) for x in range(width)) * 2
    shift = number * 3 % width
    line = ramp[shift : shift + width]
    bits = encode_time(unix_s)
    luma = []
    for row in range(ROWS):
        cells = bits[row * COLUMNS : (row + 1) * COLUMNS]
        marked = b"".join((b"\xeb" if bit else b"\x10") * CELL_PX for bit in cells)
        luma.append((marked + line[len(marked) :])[:width] * CELL_PX)
    luma.append(line * (height - ROWS * CELL_PX))
    return b"".join(luma) + b"\x80" * (width * height // 2)


class Feeder:
    """Pushes pictures into one appsrc at a steady pace until its media goes away."""

    def __init__(self, media, source, pictures):
        self._source = source
        self._pictures = pictures
        self._over = threading.Event()
        # Pictures pushed before the source plays would carry no usable time.
        self._wanted = source.connect("need-data", self._begin)
        media.connect("unprepared", lambda _media: self._over.set())

    def _begin(self, source, _length):
        source.disconnect(self._wanted)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        begin_s = time.monotonic()
        for due_s, age_s, make in self._pictures():
            early_s = begin_s + due_s - time.monotonic()
            if self._over.wait(max(0.0, early_s)):
                return
            sent_ns = self._source.get_clock().get_time() - self._source.get_base_time()
            buffer = Gst.Buffer.new_wrapped(make())
            buffer.dts = sent_ns
            buffer.pts = max(0, sent_ns - int(age_s * Gst.SECOND))
            if self._source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return


class FedFactory(GstRtspServer.RTSPMediaFactory):
    """A shared media whose pictures come from `pictures()`: when each is sent, how long before that
    it was taken, and what makes it.
    """

    def __init__(self, launch, pictures):
        super().__init__()
        self.set_launch(f"( appsrc name=feed is-live=true format=time {launch} )")
        self.set_shared(True)
        self._pictures = pictures

    def do_configure(self, media):
        GstRtspServer.RTSPMediaFactory.do_configure(self, media)
        Feeder(media, media.get_element().get_by_name("feed"), self._pictures)


def clock_pictures(width, height, fps):
    """Endless: each made at its due time, so that the time in it is the time it was taken."""
    number = 0
    while True:
        yield number / fps, 0.0, lambda number=number: draw(width, height, number, time.time())
        number += 1


def read_clip(path):
    """All access units of an MP4's H.264 as (sent at, age, bytes), seconds, and its length.

    B-frames are sent as a camera would that makes them: it takes a picture, and has to wait for
    later ones before it can send it, so every picture is as old as the reordering is deep.
    """
    pipe = Gst.parse_launch(
        f'filesrc location="{path}" ! qtdemux ! h264parse config-interval=-1 ! '
        "video/x-h264,stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
    )
    pipe.set_state(Gst.State.PLAYING)
    out, units = pipe.get_by_name("out"), []
    while (sample := out.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        dts = buffer.pts if buffer.dts == Gst.CLOCK_TIME_NONE else buffer.dts
        data = bytes(buffer.extract_dup(0, buffer.get_size()))
        units.append((dts / Gst.SECOND, (buffer.pts - dts) / Gst.SECOND, data))
    pipe.set_state(Gst.State.NULL)
    if not units:
        sys.exit(f"no H.264 in {path}")
    first_s, last_s = units[0][0], units[-1][0]
    interval_s = (last_s - first_s) / max(1, len(units) - 1)
    depth_s = max(ahead_s for _, ahead_s, _ in units)
    begin_s = first_s - depth_s  # what is sent first was taken before, but not before time 0
    sent = [(dts_s - begin_s, depth_s - ahead_s, data) for dts_s, ahead_s, data in units]
    return sent, last_s - first_s + interval_s


def clip_pictures(units, length_s):
    """Endless: the clip over and over."""
    turn = 0
    while True:
        for due_s, age_s, data in units:
            yield turn * length_s + due_s, age_s, lambda data=data: data
        turn += 1


def factories(args):
    """Mount -> factory."""
    width, height = map(int, args.size.split("x"))
    raw = f"caps=video/x-raw,format=I420,width={width},height={height},framerate={args.fps}/1 ! "

    def clock():
        return clock_pictures(width, height, args.fps)

    table = {
        "/clock": FedFactory(raw + X264, clock),
        "/mute": FedFactory(raw + X264, clock),
        "/secret": FedFactory(raw + X264, clock),
        "/mjpeg": FedFactory(raw + "jpegenc ! rtpjpegpay name=pay0 pt=26", clock),
        "/audio": GstRtspServer.RTSPMediaFactory(),
    }
    table["/mute"].set_enable_rtcp(False)
    table["/audio"].set_launch(
        "( audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay0 pt=8 )"
    )
    if args.file:
        units, length_s = read_clip(args.file)
        caps = "caps=video/x-h264,stream-format=byte-stream,alignment=au ! "
        # Its parameter sets are in the access units already; the payloader would put them before
        # every slice, which splits pictures of several slices.
        launch = caps + "rtph264pay name=pay0 pt=96 config-interval=0"
        table["/file"] = FedFactory(launch, lambda: clip_pictures(units, length_s))
    return table


def allow(factory, role):
    """Let holders of `role` use `factory`."""
    permissions = GstRtspServer.RTSPPermissions.new()
    rights = "media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    permissions.add_role_from_structure(Gst.Structure.new_from_string(f"{role}, {rights}"))
    factory.set_permissions(permissions)


def listen(port, table):
    """A server for the mounts of `table` on 127.0.0.1; exits when the port is taken."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    mounts = server.get_mount_points()
    for path, factory in table.items():
        mounts.add_factory(path, factory)
    return server


def start(server):
    """Its port, once it listens."""
    if server.attach(None) == 0:
        sys.exit("the port is taken")
    return server.get_bound_port()


def guard(server, factory):
    """Everything on `server` asks for USER and PASSWORD."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    auth.add_digest(USER, PASSWORD, token)
    allow(factory, "viewer")
    server.set_auth(auth)


def main():
    """Serve until standard input closes."""
    parser = argparse.ArgumentParser(description="RTSP server for tests and benchmarks")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--secret-port", type=int, default=0)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--file", default="")
    args = parser.parse_args()
    Gst.init(None)
    table = factories(args)
    secret = table.pop("/secret")
    server, guarded = listen(args.port, table), listen(args.secret_port, {"/secret": secret})
    guard(guarded, secret)
    ports = {"port": start(server), "secret_port": start(guarded)}
    loop = GLib.MainLoop()
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    loop.run()


if __name__ == "__main__":
    main()
