#!/bin/sh
# Installs a package of Flowyard into a bare Debian 12 and uses it there, with that Debian's own libraries: the command line, the
# window under a virtual display, the file association, and removal.
#
#   packaging/linux/try-deb.sh PACKAGE.deb [SCREENSHOT.png]
#
# As root, with: mmdebstrap or debootstrap, xvfb, xdotool, imagemagick. Debian's packages come from where this machine's apt gets
# them, or from the mirror that MIRROR names. The display runs outside, so that nothing but the package brings libraries in.
set -eu

fail() { echo "try-deb: $*" >&2; exit 1; }
step() { printf '\n== %s ==\n' "$*"; }
need() { command -v "$1" >/dev/null || fail "$1 is missing: apt-get install $2"; }

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: $0 PACKAGE.deb [SCREENSHOT.png]" >&2; exit 2; }
[ "$(id -u)" = 0 ] || fail "a bare root is made by root only"
package=$1
screenshot=${2:-try-deb.png}
[ -f "$package" ] || fail "$package is not there"
need Xvfb xvfb
need xdotool xdotool
need import imagemagick

work=$(mktemp -d)
bare=$work/root
display=
# The ids of the windows inside, known by their root and their command line: whoever starts one leaves it behind.
windows() {
    for at in /proc/[0-9]*; do
        [ "$(readlink "$at/root" 2>/dev/null)" = "$bare" ] || continue
        case $(tr '\0' ' ' 2>/dev/null <"$at/cmdline") in "flowyard open "*) echo "${at#/proc/}" ;; esac
    done
}
close_window() {
    for id in $(windows); do kill "$id" 2>/dev/null || true; done
    while [ -n "$(windows)" ]; do sleep 0.1; done
}
end() {
    code=$?
    trap - EXIT
    close_window
    [ -z "$display" ] || kill "$display" 2>/dev/null || true
    wait
    for at in tmp/.X11-unix dev/pts dev proc; do
        if mountpoint -q "$bare/$at"; then umount "$bare/$at" || umount --lazy "$bare/$at"; fi
    done
    # Never across a mount that would not go.
    rm -rf --one-file-system "$work"
    exit "$code"
}
trap end EXIT
trap 'exit 130' INT TERM

inside() { chroot "$bare" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
as_person() {
    chroot --userspec=person:person "$bare" /usr/bin/env -i HOME=/home/person LANG=C.UTF-8 PATH=/usr/bin:/bin "$@"
}

step "a bare Debian 12"
if command -v mmdebstrap >/dev/null; then
    if [ -n "${MIRROR:-}" ]; then
        mmdebstrap --quiet --variant=apt --components=main bookworm "$bare" "$MIRROR"
    else
        # Without a mirror it takes Debian's own.
        mmdebstrap --quiet --variant=apt --components=main bookworm "$bare"
    fi
else
    need debootstrap "mmdebstrap or debootstrap"
    debootstrap --variant=minbase --components=main bookworm "$bare" ${MIRROR:+"$MIRROR"}
fi
mount -t proc proc "$bare/proc"
mount --bind /dev "$bare/dev"
mount --bind /dev/pts "$bare/dev/pts"
inside apt-get -qq update
inside useradd --create-home person
before=$(inside dpkg-query -W | wc -l)

step "installed, with what it depends on and nothing more"
cp "$package" "$bare/root/flowyard.deb"
inside apt-get -qq install --yes --no-install-recommends /root/flowyard.deb >"$work/install.log" 2>&1 ||
    { cat "$work/install.log"; fail "it cannot be installed"; }
inside dpkg-query -W -f '${Package} ${Version} ${Status}, ${Installed-Size} KiB\n' flowyard
echo "$(($(inside dpkg-query -W | wc -l) - before)) packages came with it, itself counted"
inside dpkg --verify flowyard

step "the command line"
templates=/usr/share/flowyard/templates
as_person flowyard --version
for flow in "$bare$templates"/*.flowyard; do as_person flowyard check "$templates/$(basename "$flow")"; done
as_person flowyard run "$templates/new-contact-to-calendar.flowyard" --sandbox

step "without a display it says so"
code=0
as_person flowyard >"$work/without" 2>&1 || code=$?
cat "$work/without"
[ "$code" = 5 ] || fail "exit code $code, not 5"

step "the window"
number=91
while [ -e "/tmp/.X11-unix/X$number" ] || [ -e "/tmp/.X$number-lock" ]; do number=$((number + 1)); done
mkdir -p /tmp/.X11-unix "$bare/tmp/.X11-unix"
Xvfb ":$number" -screen 0 1280x800x24 -nolisten tcp -ac >"$work/display.log" 2>&1 &
display=$!
tries=0
until [ -e "/tmp/.X11-unix/X$number" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || { cat "$work/display.log"; fail "the virtual display does not come up"; }
    sleep 0.1
done
mount --bind /tmp/.X11-unix "$bare/tmp/.X11-unix"
export DISPLAY=":$number"
as_person DISPLAY="$DISPLAY" LIBGL_ALWAYS_SOFTWARE=1 flowyard open >"$work/window.log" 2>&1 &
if ! timeout 60 xdotool search --sync --onlyvisible --name Flowyard >"$work/window"; then
    cat "$work/window.log"
    fail "no window appears"
fi
# Away from the middle, where it would call up a tooltip.
xdotool mousemove 1279 799
# The window is there before its first pictures are: wait for two that are the same and hold more than one colour.
earlier=none
tries=0
while :; do
    import -window root "$work/now.png"
    now=$(identify -format '%#' "$work/now.png")
    colours=$(identify -format '%k' "$work/now.png")
    [ "$now" = "$earlier" ] && [ "$colours" -gt 8 ] && break
    earlier=$now
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || fail "nothing is drawn in the window ($colours colours)"
    sleep 0.5
done
[ -n "$(windows)" ] || { cat "$work/window.log"; fail "the window closed by itself"; }
cp "$work/now.png" "$screenshot"
echo "$screenshot: $colours colours"
grep -E 'panicked|error' "$work/window.log" && fail "the window complains"
echo "libraries that it opened:"
sed -n 's|.*/\([^/]*\.so[^/]*\)$|\1|p' "/proc/$(windows)/maps" | sort -u | tr '\n' ' '
echo
close_window

step "the file association"
inside apt-get -qq install --yes --no-install-recommends desktop-file-utils shared-mime-info xdg-utils libglib2.0-bin \
    hicolor-icon-theme systemd >"$work/install.log" 2>&1 || { cat "$work/install.log"; fail "the desktop's tools cannot be installed"; }
is() {
    [ "$2" = "$3" ] || fail "$1: \"$2\", not \"$3\""
    echo "$1: $2"
}
type=application/x-flowyard+json
as_person cp "$templates/new-contact-to-calendar.flowyard" /home/person/mine.flowyard
as_person cp "$templates/new-contact-to-calendar.flowyard" /home/person/without-ending
printf '[1, 2]\n' >"$bare/home/person/other.json"
content_type() { as_person gio info -a standard::fast-content-type,standard::content-type "$1" | sed -n 's/.*standard::content-type: //p'; }
is "by its name" "$(as_person XDG_CURRENT_DESKTOP=GNOME xdg-mime query filetype /home/person/mine.flowyard)" "$type"
is "by how it begins" "$(content_type /home/person/without-ending)" "$type"
is "other JSON stays" "$(content_type /home/person/other.json)" application/json
is "what opens it" "$(as_person xdg-mime query default "$type")" flowyard.desktop
as_person gio mime "$type"
as_person DISPLAY="$DISPLAY" LIBGL_ALWAYS_SOFTWARE=1 gio launch /usr/share/applications/flowyard.desktop /home/person/mine.flowyard \
    >"$work/window.log" 2>&1
timeout 60 xdotool search --sync --onlyvisible --name Flowyard >"$work/window" || { cat "$work/window.log"; fail "a double click opens no window"; }
is "a double click starts" "$(tr '\0' ' ' <"/proc/$(windows)/cmdline")" "flowyard open /home/person/mine.flowyard "
close_window
inside desktop-file-validate /usr/share/applications/flowyard.desktop
inside systemd-analyze verify /usr/lib/systemd/system/flowyard.service

step "removed without a trace"
inside apt-get -qq purge --yes flowyard >"$work/install.log" 2>&1 || { cat "$work/install.log"; fail "it cannot be removed"; }
left=$(find "$bare" -xdev -iname '*flowyard*' ! -path "$bare/home/*" ! -path "$bare/root/flowyard.deb" ! -path "$bare/var/log/*" ! -path "$bare/proc/*")
[ -z "$left" ] || fail "left behind: $left"
echo "only what the person made is left"

printf '\nEverything held.\n'
