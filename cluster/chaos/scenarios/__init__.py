"""The scenarios that come along: every module here has a tuple ``SCENARIOS``."""
