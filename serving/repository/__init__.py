"""The model repository: what push writes and servers read. The ground floor; it imports no other room."""
