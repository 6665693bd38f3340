"""What happens around a pull request: the host's API, comments, approvals."""
