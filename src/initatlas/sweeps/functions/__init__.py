"""Plain Python functions as experiments: what they depend on, how they travel, what they return."""
