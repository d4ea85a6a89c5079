"""What every sandbox has: its protocol, session, lease and owner."""
