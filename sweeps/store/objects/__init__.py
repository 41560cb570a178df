"""Reading a store that is a prefix of a bucket. obstore is imported when the first such store is opened.

s3        opens the bucket with what the environment says, and puts obstore's errors as OSError of one line
bucket    the requests: get, put under a condition, list, copy, delete
reading   the reading half of the store's interface
cache     a folder of this machine for contents that never change
snapshot  many keys at once: one listing, and the index of results
"""
