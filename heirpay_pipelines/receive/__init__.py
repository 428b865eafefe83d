"""The webhook endpoint: an event is acknowledged after it is on disk, and drained into landing."""
