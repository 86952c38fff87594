"""Everything that knows a vendor; nothing here is imported by activities, services or workflows."""
