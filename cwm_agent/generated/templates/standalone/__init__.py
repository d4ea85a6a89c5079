"""Templates written by hand: functions as real utility code has them."""
