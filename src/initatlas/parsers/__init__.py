"""What can be typed: a module per group of commands, with its words and the functions that it calls."""
