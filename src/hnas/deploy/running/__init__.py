"""What runs a network: torch and the runtimes of exported files, behind one call; what tiles need to know of it."""
