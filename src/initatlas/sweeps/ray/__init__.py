"""Ray: whose it is (`client`), where it is (`address`), what holds a private one (`keeper`), when it is gone (`watch`),
how tasks are handed to it (`window`).
"""
