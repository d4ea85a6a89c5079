"""The Debug Adapter Protocol over predicted execution, for editors."""
