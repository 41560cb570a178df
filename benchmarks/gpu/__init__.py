"""Training speed on one device.

python -m benchmarks.gpu                        the table, on a machine with a CUDA device
python -m benchmarks.gpu --device cpu --tiny    a rehearsal of the same code; its figures say nothing
"""
