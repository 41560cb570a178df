"""How long a plan takes: of many runs in a folder (`.scale`), in a bucket (`.bucket`)."""
