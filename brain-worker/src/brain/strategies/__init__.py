"""The strategies, one file and one class each; `brain.registry` finds them. docs/strategies.md says how to add one."""
