"""What is done to a window of an image: the same for an image at once and for its tiles."""
