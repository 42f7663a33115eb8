"""Plots, the HTML report and the web app: shows what other rooms computed, and computes none of it.

What :func:`hnas.report.page.write_report` reads from a run folder; every part may be missing, and is then left out:

- ``config.yaml``: the settings, with ``command`` (search, train or demo) on top; a demo has more of them in
  ``search/config.yaml`` and ``train/config.yaml``.
- ``log.jsonl``: one object a line with ``phase``, ``step`` and named numbers.
- ``candidates.jsonl``: every genotype scored, one object a line.
- ``genotype.json``, ``weights.safetensors``: what the run is for (only the description of the weights is read).
- ``evaluation.json``: the list of objects that ``hnas evaluate --json`` prints (``model``, ``dataset``, ``scale``,
  ``psnr``, ``ssim``, perhaps ``psnr_x8`` and ``ssim_x8``); it holds the rows of ``bicubic`` to compare with.
- ``pictures/<name>_lr.png``, ``<name>_bicubic.png``, ``<name>_sr.png``, ``<name>_hr.png``: a picture before and after;
  ``bicubic`` and ``sr`` are needed and of one size, ``hr`` too where there is an original.
"""
