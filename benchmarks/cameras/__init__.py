"""Many cameras in one process: a small RTSP server that costs little beside what it feeds."""
