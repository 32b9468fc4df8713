"""How the weights are made and judged: offline commands, never imported at run time."""
