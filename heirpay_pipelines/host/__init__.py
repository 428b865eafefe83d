"""What lies around a process: its environment, its children, the home folder, disk and door."""
