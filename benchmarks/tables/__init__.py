"""Tables of a large sweep, as a user asks for them."""
