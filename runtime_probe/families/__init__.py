"""What kind of loss it is, and what that kind adds to the checklist."""
