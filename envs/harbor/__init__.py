"""Task folders of the Harbor format: read, worked on in their image, graded by their tests."""
