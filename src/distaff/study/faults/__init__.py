"""What goes wrong in a study: deaths of workers, who is to blame for an error, failures, and places without room."""
