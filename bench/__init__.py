"""Speed, size and cost against goals, each as a ratio to a JavaScript yardstick of the same run where there is one."""
