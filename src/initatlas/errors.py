"""The one exception that a user can cause."""


class UserError(Exception):
    """A mistake in the user's input: one clear line that names the file, key or value and the mend.

    The command line prints its message without a traceback; any other exception is a bug of ours.
    """
