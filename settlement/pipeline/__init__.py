"""What a batch still needs (``chunks``, ``plan``: pure), and who gets it done (``pipeline``)."""
