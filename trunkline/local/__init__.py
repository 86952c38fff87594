"""The local stack: everything Trunkline needs on one machine, for trying, demonstrating, testing.

A room of composition at the very top: it may see everything and nothing sees it but the command
line. ``dev.run_dev`` and ``demo.run_demo`` are its entries.
"""
