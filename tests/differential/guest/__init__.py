"""The guest of the zkVM against the engine that it is built from."""
