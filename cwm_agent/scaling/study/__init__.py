"""What selection gained on judged issues, and how sure that is; offline, from saved tables."""
