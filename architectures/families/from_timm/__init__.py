"""A ladder from any model of timm.

derived   units from timm's layer groups, steps from a trace, both tried
trace     the forward pass as a list of calls (torch.fx)
calls     a part of such a list: what it reads and hands on, and how it is carried out
counted   the work of each unit
"""
