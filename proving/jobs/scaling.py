"""How many workers a queue should have."""


def desired_workers(demand: int, minimum: int, maximum: int) -> int:
    """One worker for each job that can be proved now, within bounds."""
    return max(minimum, min(demand, maximum))
