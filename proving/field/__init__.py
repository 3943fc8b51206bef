"""KoalaBear, its degree-4 extension, and number-theoretic transforms over columns."""
