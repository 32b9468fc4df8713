"""torch -> ONNX with a numeric parity check and a ModelSpec beside the file: offline commands."""
