"""`make faults`: web and worker are killed, again and again, in front of a push service that fails too."""
