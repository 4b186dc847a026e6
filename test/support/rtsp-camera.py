"""A camera that speaks RTSP: GStreamer's server, H.264 with a key frame every two seconds, and sound.

rtsp-camera.py PORT aac|pcmu|none [PASSWORD]

Prints `ready PORT`. Where there is a password, the user is called admin.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PICTURE = (
    "videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast bitrate=200 key-int-max=50 "
    "! rtph264pay name=pay0 pt=96 config-interval=-1"
)
TONE = "audiotestsrc is-live=true ! audio/x-raw,rate=%d,channels=1 ! %s name=pay1 pt=%d"
SOUNDS = {
    "aac": TONE % (48000, "avenc_aac ! rtpmp4gpay", 97),
    "pcmu": TONE % (8000, "mulawenc ! rtppcmupay", 0),
    "none": "",
}

port, sound, *rest = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
camera = GstRtspServer.RTSPMediaFactory()
camera.set_launch("( %s %s )" % (PICTURE, SOUNDS[sound]))
camera.set_shared(True)
if rest:
    auth = GstRtspServer.RTSPAuth()
    viewer = GstRtspServer.RTSPToken()
    viewer.set_string("media.factory.role", "viewer")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("admin", rest[0]), viewer)
    server.set_auth(auth)
    may = GstRtspServer.RTSPPermissions()
    for what in ("access", "construct"):
        may.add_permission_for_role("viewer", "media.factory." + what, True)
    camera.set_permissions(may)
server.get_mount_points().add_factory("/live", camera)
if server.attach(None) == 0:
    sys.exit("the port is taken")
print("ready", server.get_bound_port(), flush=True)
GLib.MainLoop().run()
