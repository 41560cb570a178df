"""What is asked and the shape of what comes back: specs, identity, random streams, records, store layout."""
