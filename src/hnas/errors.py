"""The one exception a person's own mistake raises."""


class HnasError(ValueError):
    """A mistake the caller can mend: a bad file, value or setting.

    The message is one line that names the file or value, says what is allowed and what to do. The command line
    prints it without a traceback and exits with status 2.
    """
