"""Messages as their reader finds them in the app, whatever became of push and e-mail."""
