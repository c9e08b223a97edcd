"""What models say of rows of which some columns are missing, given the others."""
