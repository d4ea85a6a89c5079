"""The application's own widgets: they draw only the lines that are on the screen."""
