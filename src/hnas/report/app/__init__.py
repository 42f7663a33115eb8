"""The app in the browser: enlarge pictures, explore searches. Needs the extra ``hnas-sr[app]`` (Gradio)."""

from hnas.report.app.enlarge import UploadLimits
from hnas.report.app.page import serving

__all__ = ["UploadLimits", "serving"]
