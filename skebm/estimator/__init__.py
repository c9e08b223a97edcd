"""What all estimators share: validate at the public edge, then call the mathematics."""
