"""Live video in, tracked faces and rolling fake scores out."""
