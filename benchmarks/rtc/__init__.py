"""What the WebRTC benchmark runs against: a server in this process, and peers that publish."""
