/** An overlay message as the server sends it, `changes` over sensible fields. */
export function raw(changes = {}) {
  return {
    version: 1, stream_id: "demo", seq: 7, frame_seq: 70, epoch: 0, media_time_s: 2.8,
    captured_at: "2026-01-31T12:00:00.250Z", clock: "arrival", rtp_timestamp: null,
    frame_size_px: [1280, 720], state: "no_evidence", faces: [rawFace()], health: rawHealth(),
    ...changes,
  };
}

export function rawFace(changes = {}) {
  return {
    track_id: 1, box_px: [100, 50, 200, 170],
    landmarks_px: [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]],
    probability_fake: 0.25, frame_probability_fake: null, state: "no_evidence", reasons: [],
    quality: 0.8, samples: 12, evidence_age_ms: 80, fake_since_s: null, undecided_s: 0,
    evidence_nats: 1.2, ...changes,
  };
}

export function rawHealth(changes = {}) {
  return {
    evidence_age_ms: 80, fps_in: 25, fps_scored: 4, dropped: 3, engine: "onnxruntime",
    device: "cpu", decoder: "h264", source_state: "live", degraded: [], ...changes,
  };
}

/** A parsed message for a frame. */
export const message = (frameSeq, mediaTimeS, faces = [], epoch = 0) => ({
  frameSeq, mediaTimeS, epoch, faces,
});

/** A preview message as it comes over the socket. */
export function rawPicture(frameSeq, mediaTimeS, jpeg = [0xff, 0xd8, 0xff]) {
  const data = new ArrayBuffer(16 + jpeg.length);
  const view = new DataView(data);
  view.setBigUint64(0, BigInt(frameSeq));
  view.setBigUint64(8, BigInt(Math.round(mediaTimeS * 1e6)));
  new Uint8Array(data, 16).set(jpeg);
  return data;
}
