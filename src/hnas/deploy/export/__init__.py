"""A trained model as files for other runtimes: graphs, their halved and 8-bit forms."""
