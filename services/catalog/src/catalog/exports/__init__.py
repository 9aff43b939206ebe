"""What people take out of the catalog: tables of a cohort, their description, a list to copy."""
