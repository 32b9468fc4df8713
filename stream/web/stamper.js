/**
 * A worker on the sender's side of a peer connection: tells the page each frame's RTP timestamp, once
 * for each simulcast layer at most, and lets the frame pass.
 */

addEventListener("rtctransform", (event) => {
  const { readable, writable } = /** @type {any} */ (event).transformer;
  const look = new TransformStream({
    transform(frame, controller) {
      const rtp = frame.getMetadata().rtpTimestamp ?? frame.timestamp;
      postMessage({ rtp, atMs: performance.timeOrigin + performance.now() });
      controller.enqueue(frame);
    },
  });
  readable.pipeThrough(look).pipeTo(writable).catch(() => {});
});
