"""Ray actors: thin shells that decode, persist, step a pure core and run its effects."""
