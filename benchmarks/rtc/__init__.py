"""What the WebRTC benchmarks run with: the program, visitors in another process, a scene."""
