"""An agent that answers questions about Tidings from its documentation, and shows what it does while it does it."""
