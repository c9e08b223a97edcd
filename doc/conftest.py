"""What pytest should not read when it runs the documentation's code."""

collect_ignore = ["conf.py", "_build", "auto_examples", "api/generated"]
