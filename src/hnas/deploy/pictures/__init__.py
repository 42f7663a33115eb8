"""Pictures as people have them, in and out; :mod:`~hnas.deploy.pictures.formats` says of each format what it holds."""
