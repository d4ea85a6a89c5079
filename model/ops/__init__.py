"""The operations of the transformer; one plain reference each."""
