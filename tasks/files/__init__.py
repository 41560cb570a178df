"""Files of data sets: fetched, checked, decoded once, and mapped into memory. No torch is imported here."""
