// A werift peer: `node peer.mjs publish|watch URL FRAMES.json`. It says what it saw as one line of
// JSON on standard output and ends. FRAMES.json holds VP8 frames, base64, a thirtieth of a second
// apart; they are sent over and over until five messages have come back.
import { readFileSync } from "node:fs";
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket } from "werift";

const [wish, url, file] = process.argv.slice(2);
const PAYLOAD = 96;
const MOST_BYTES = 1100;

const peer = new RTCPeerConnection({
  // Without a list it would ask a public STUN server; nobody listens on this one.
  iceServers: [{ urls: "stun:127.0.0.1:9" }],
  iceInterfaceAddresses: { udp4: "127.0.0.1" },
  iceUseIpv6: false,
  codecs: {
    audio: [],
    video: [new RTCRtpCodecParameters({ mimeType: "video/VP8", clockRate: 90000, payloadType: PAYLOAD })],
  },
});

const scores = peer.createDataChannel("scores", { ordered: false, maxRetransmits: 0 });
const messages = [];
scores.onMessage.subscribe((data) => messages.push(JSON.parse(data.toString())));
let pictures = 0;

if (wish === "publish") {
  const track = new MediaStreamTrack({ kind: "video" });
  peer.addTransceiver(track, { direction: "sendonly" });
  peer.connectionStateChange.subscribe((state) => state === "connected" && send(track));
} else {
  peer.addTransceiver("video", { direction: "recvonly" }).onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe((packet) => (pictures += packet.header.marker ? 1 : 0));
  });
}

await peer.setLocalDescription(await peer.createOffer());
const response = await fetch(url, {
  method: "POST",
  headers: { "Content-Type": "application/sdp" },
  body: peer.localDescription.sdp,
});
if (response.status !== 201) {
  console.log(JSON.stringify({ status: response.status, detail: await response.text() }));
  process.exit(1);
}
await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
while (messages.length < 5 || (wish === "watch" && pictures < 5)) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
const ended = await fetch(new URL(response.headers.get("location"), url), { method: "DELETE" });
console.log(JSON.stringify({ status: response.status, ended: ended.status, pictures, messages }));
process.exit(0);

function send(track) {
  const frames = JSON.parse(readFileSync(file, "utf8")).map((text) => Buffer.from(text, "base64"));
  let sequenceNumber = 1;
  let number = 0;
  setInterval(() => {
    // From the keyframe on again: the decoder cannot tell it from a stream that goes on.
    const data = frames[number % frames.length];
    for (let begin = 0; begin < data.length; begin += MOST_BYTES) {
      const part = data.subarray(begin, begin + MOST_BYTES);
      const header = new RtpHeader({
        payloadType: PAYLOAD,
        sequenceNumber: sequenceNumber++ & 0xffff,
        timestamp: number * 3000,
        marker: begin + MOST_BYTES >= data.length,
      });
      const descriptor = Buffer.from([begin === 0 ? 0x10 : 0x00]);
      track.writeRtp(new RtpPacket(header, Buffer.concat([descriptor, part])));
    }
    number += 1;
  }, 33);
}
