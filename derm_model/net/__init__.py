"""The network room: the only one that imports torch. Nothing is re-exported, so importing it costs nothing."""
