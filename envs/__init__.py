"""Where actions happen: sandboxes, repositories, task environments."""
