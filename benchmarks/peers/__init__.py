"""The same sweep as other people would run it: what Frostline's speed is measured against."""
