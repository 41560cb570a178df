"""`frostline advise --images` on real pictures, held against seeds that it has not seen."""
