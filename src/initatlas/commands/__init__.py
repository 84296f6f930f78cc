"""What the command line does: thin functions that read, call the library, and write."""
