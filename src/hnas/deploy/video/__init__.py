"""Enlarging videos: frames through the network in segments that survive a stop, everything else copied.

Every segment is a file of its own in a folder beside the result. A stopped job goes on with the first one missing; when
all are there they are joined, without coding anything again, with the sound, subtitles and chapters of the source.
"""

from hnas.errors import HnasError

try:
    import av  # noqa: F401
except ImportError as _error:
    raise HnasError("this needs the package av: pip install 'hnas-sr[video]'") from _error

from hnas.deploy.video.settings import ENDINGS, VideoSettings
from hnas.deploy.video.work import upscale_video

__all__ = ["ENDINGS", "VideoSettings", "upscale_video"]
