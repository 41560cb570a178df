"""Small networks that are written down here and are not timm's, one file each."""
