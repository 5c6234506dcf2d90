"""What travels on topics and what two rooms need. Imports nothing of ours."""
