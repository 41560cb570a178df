"""A store on an object store: what the folder's fsync, link and rename do is done by conditional requests.

store       the operations of the store's interface
lease_keys  how a lease is kept: one object here, a key for each token in a folder
index       the copy of results that a plan reads instead of every result
"""
