"""What one person alone may not do."""

from recoup.kernel.problem import Problem


def check_second(first: str, second: str) -> None:
    """`first` has proposed, `second` confirms: actors as the log names them.

    Raises: Problem(forbidden) when they are the same.
    """
    if first == second:
        message = "Whoever proposed it cannot confirm it too."
        raise Problem("forbidden", message, cure="Ask another operator to confirm it.")
