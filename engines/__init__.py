"""Inference engines: arrays in, arrays out; nothing here knows of streams, asyncio or HTTP."""
