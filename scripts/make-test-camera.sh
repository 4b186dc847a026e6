#!/usr/bin/env bash
# Makes assets/test-camera.mpegts, the clip that the demo's test camera plays in a loop.
#
# The loop must have no seam: exactly 8 s = 200 frames of video (25 fps, an IDR frame each 2 s, no B-frames) and
# 375 frames of AAC (1024 samples at 48 kHz). The encoder's priming frame would make the sound one frame too long,
# so the sound, which repeats each 8 s, is encoded for longer and 375 frames are cut from its middle.
#
# The name does not end in .ts, for TypeScript would read it. Needs ffmpeg with libx264 and drawtext, and a DejaVu font
# (apt-get install ffmpeg fonts-dejavu-core). Only this script needs them; the product does not.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=assets/test-camera.mpegts
readonly FRAMES=200 SOUND_FRAMES=375 MAX_BYTES=500000
readonly FONT=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf}
[[ -r $FONT ]] || { echo "no font at $FONT: install fonts-dejavu-core or set FONT" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

# A soft beep at each second, one octave higher where the loop begins.
beep='0.25*sin(2*PI*if(lt(mod(t,8),1),880,440)*t)*pow(sin(PI*min(mod(t,1)/0.2,1)),2)'
ff -f lavfi -i "aevalsrc=exprs='$beep|$beep':s=48000:d=17" -c:a aac -b:a 48k -flags +bitexact "$work/long.aac"

# Frame 0 is the encoder's priming; frame 376 begins at 375 frames = 8 s of sound.
first=$((SOUND_FRAMES + 1))
ff -i "$work/long.aac" -c copy -bsf:a "noise=drop='not(between(n,$first,$((first + SOUND_FRAMES - 1))))'" "$work/loop.aac"

# A clock, a bar that crosses in one segment (2 s), a bar that fills over the loop (8 s), a lamp that blinks with the beep.
size=640x360 rate=25
picture="
  color=0x0f1624:s=$size:r=$rate [ground];
  smptehdbars=s=640x48:r=$rate [bars];
  color=0x1d2a44:s=640x20:r=$rate, split [track1] [track2];
  color=0x3fb8af:s=640x20:r=$rate [fill];
  color=0xff8c5a:s=16x20:r=$rate [runner];
  color=0xffd25a:s=28x28:r=$rate [lamp];
  [ground][bars] overlay=0:0 [a];
  [a][track1] overlay=0:290 [b];
  [b][runner] overlay=x='(W-w)*mod(t\,2)/2':y=290 [c];
  [c][track2] overlay=0:326 [d];
  [d][fill] overlay=x='W*t/8-W':y=326 [e];
  [e][lamp] overlay=x=576:y=84:enable='lt(mod(t\,1)\,0.2)' [f];
  [f] drawtext=fontfile=$FONT:text='LiveMix test camera':fontsize=22:fontcolor=0x9fb3d1:x=32:y=86,
      drawtext=fontfile=$FONT:text='%{eif\:floor(n/25)\:d}.%{eif\:mod(n\,25)*4\:d\:2}':fontsize=120:fontcolor=white:x=(w-4*72)/2:y=140,
      drawtext=fontfile=$FONT:text='frame %{eif\:n\:d\:3}':fontsize=18:fontcolor=0x9fb3d1:x=(w-tw)/2:y=260,
      format=yuv420p, trim=end_frame=$FRAMES [picture]"
ff -filter_complex "$picture" -i "$work/loop.aac" -map '[picture]' -map 0:a \
  -c:v libx264 -preset veryslow -tune zerolatency -profile:v main -level 3.0 -crf 22 -maxrate 400k -bufsize 400k \
  -threads 1 -bf 0 -g 50 -keyint_min 50 -sc_threshold 0 -flags +cgop+bitexact \
  -c:a copy -fflags +bitexact -map_metadata -1 -metadata service_name='LiveMix test camera' -metadata service_provider=LiveMix \
  -pes_payload_size 0 -f mpegts "$work/clip.mpegts"

frames() { ffprobe -v error -select_streams "$1" -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$work/clip.mpegts" | head -n 1 | tr -d ,; }
[[ $(frames v) == "$FRAMES" && $(frames a) == "$SOUND_FRAMES" ]] || { echo "not $FRAMES frames and $SOUND_FRAMES frames of sound: $(frames v), $(frames a)" >&2; exit 1; }
(($(stat -c %s "$work/clip.mpegts") <= MAX_BYTES)) || { echo "larger than $MAX_BYTES bytes" >&2; exit 1; }
mkdir -p assets
cp "$work/clip.mpegts" "$OUT"
ls -l "$OUT"
