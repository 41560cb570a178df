"""What `kernels: tuned` changes: how networks compute, not what.

layout       where in memory convolutions keep their channels
convolution  a 3x3 convolution of a map of 2x2 pixels as a matrix product
class_token  the last block of a ViT, of its class token alone
"""
