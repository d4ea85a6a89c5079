"""The repository in a sandbox: states, patches, verdicts by hidden tests."""
