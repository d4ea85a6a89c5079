"""Generated repositories with one bug each: tasks without a data set."""
