"""What a clinic is: names, numbers, opening hours, who is on duty."""
