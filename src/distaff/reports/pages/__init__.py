"""Pages: text and charts as a site that opens from disk."""
