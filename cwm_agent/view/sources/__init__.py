"""Where trajectories come from: our runs, files of other programs, predictions."""
