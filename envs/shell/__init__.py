"""The persistent shell over one byte stream."""
