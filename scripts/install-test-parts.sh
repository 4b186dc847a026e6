#!/usr/bin/env bash
# Installs what the tests play against: real ffmpeg, memcached, nginx, Chromium, Ceph's S3 (radosgw on one mon and one
# osd), and GStreamer's RTSP server as a camera. Does nothing where they are there. Tests start their own servers: what a
# package would start by itself
# neither runs nor holds a port.
set -euo pipefail
wanted=()
need() { command -v "$1" >/dev/null 2>&1 || wanted+=("$2"); }
# Daemons lie in /usr/sbin, which is not on everybody's path.
PATH="$PATH:/usr/sbin:/sbin"
need ffmpeg ffmpeg
need memcached memcached
need nginx nginx
need chromium chromium
need radosgw radosgw
need ceph-mon ceph-mon
need ceph-osd ceph-osd
need radosgw-admin ceph-common
# The camera of the tests is a script for Debian's Python.
is_camera_there() {
  /usr/bin/python3 - <<'PYTHON' >/dev/null 2>&1
import gi, sys
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
parts = "videotestsrc x264enc rtph264pay audiotestsrc avenc_aac rtpmp4gpay mulawenc rtppcmupay"
sys.exit(0 if all(Gst.ElementFactory.find(part) for part in parts.split()) else 1)
PYTHON
}
is_camera_there || wanted+=(python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base
  gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly gstreamer1.0-libav)
[ ${#wanted[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root=(sudo -n); else
    echo "The tests need: ${wanted[*]}. Install them (Debian/Ubuntu: sudo apt-get install ${wanted[*]}) and run again." >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "The tests need: ${wanted[*]}. Install them with this system's package manager and run again." >&2
  exit 1
fi

# While this file says so, packages start no service. One that is there already is left as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "Installing for the tests: ${wanted[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null

# Nor at the next boot: only of what was installed just now.
if [ -d /run/systemd/system ]; then
  services=()
  for package in "${wanted[@]}"; do
    case "$package" in
      nginx) services+=(nginx.service) ;;
      memcached) services+=(memcached.service) ;;
      radosgw) services+=(ceph-radosgw.target) ;;
      ceph-mon) services+=(ceph-mon.target) ;;
      ceph-osd) services+=(ceph-osd.target ceph-crash.service ceph.target) ;;
    esac
  done
  for service in "${services[@]}"; do
    "${as_root[@]}" systemctl disable --quiet --now "$service" 2>/dev/null || true
  done
fi
