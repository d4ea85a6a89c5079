"""What a run leaves: records, the journal, the run folder, and views on them."""
