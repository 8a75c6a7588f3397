"""What Holdfast thinks with: domain objects, closed sets, errors and pure rules. Needs only the standard library."""
