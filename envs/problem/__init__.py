"""Problems with one right answer: what they are, how a model is asked, where its answer stands."""
