"""Runs strangers' code, and asks its functions. The guide, ../README.md, says what each level promises."""
