"""What the world is known to look like: census figures, samples, and made-up people to test with."""
