"""The one exception a person's own mistake raises, and any exception in one line."""


class HnasError(ValueError):
    """A mistake the caller can mend: a bad file, value or setting.

    The message is one line that names the file or value, says what is allowed and what to do. The command line
    prints it without a traceback and exits with status 2.
    """


def one_line(error: BaseException) -> str:
    """An exception's message without its line breaks."""
    return " ".join(str(error).split()).rstrip(".")
