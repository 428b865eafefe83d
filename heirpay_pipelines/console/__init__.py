"""How the command line behaves: commands found by name, errors in one line, lists, lost readers."""
