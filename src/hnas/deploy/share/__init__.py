"""Models for others: the Hugging Face Hub, OpenModelDB, tools built on spandrel."""
