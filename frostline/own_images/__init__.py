"""`frostline advise --images`: from a folder of images and a file of weights to a sweep, its runs, its advice.

pictures  what is in the folder
sweep     the sweep that is written for it
budget    which of such sweeps fits the time that there is
launch    write and run it
answer    the command: of a sweep, or of what was written and run
"""
