"""An attempt as a viewer sees it, whatever program recorded it."""
