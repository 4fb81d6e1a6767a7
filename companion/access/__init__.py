"""A person's phones: the way in from the browser to the installed app, and signing phones out again."""
