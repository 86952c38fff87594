"""The routes, one module for each thing people ask about."""
